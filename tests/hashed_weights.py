"""Weights of any network filled by a hash, as goldens/geometry/README.md writes it down."""

from __future__ import annotations

import json
import math
from pathlib import Path

import torch
from torch import Tensor

MASK = 0xFFFFFFFF


def uniform(key: int, count: int) -> Tensor:
    """(count,) float64 0..1: one number for each flat index of the key-th tensor."""
    x = (torch.arange(count, dtype=torch.int64) + 0x9E3779B9 * (key + 1)) & MASK
    x = _times(x ^ (x >> 16), 0x7FEB352D)
    x = _times(x ^ (x >> 15), 0x846CA68B)
    x = x ^ (x >> 16)
    return (x >> 8).double() / 2**24


def _times(x: Tensor, factor: int) -> Tensor:
    """Product of 32-bit numbers, its lowest 32 bits."""
    low, high = x & 0xFFFF, x >> 16
    return (low * factor + (((high * factor) & 0xFFFF) << 16)) & MASK


def _fill(name: str, key: int, shape: list[int], gain: float) -> Tensor:
    if name.endswith("num_batches_tracked"):
        return torch.zeros((), dtype=torch.long)
    u = uniform(key, math.prod(shape))
    s = 2 * u - 1
    if name.endswith("running_var"):
        values = 0.5 + u
    elif name.endswith("running_mean"):
        values = 0.1 * s
    elif len(shape) == 1:
        values = 0.75 + 0.5 * u if name.endswith("weight") else 0.1 * s
    else:
        values = s * math.sqrt(gain / math.prod(shape[1:]))
    return values.float().reshape(shape)


def hashed_state(manifest: Path, gain: float, head_gain: float | None = None) -> dict[str, Tensor]:
    """Tensors of the shapes in a manifest; keys with "_layers." take ``head_gain``."""
    shapes = json.loads(manifest.read_text())
    return {
        name: _fill(
            name, key, shapes[name],
            gain if head_gain is None or "_layers." not in name else head_gain,
        )
        for key, name in enumerate(sorted(shapes))
    }  # fmt: skip


def deca_state(folder: Path) -> dict[str, Tensor]:
    """E_flame's. folder: goldens/geometry."""
    return hashed_state(folder / "manifest_E_flame.json", 3.0)


def smirk_state(folder: Path) -> dict[str, Tensor]:
    """SMIRK's encoders'. folder: goldens/geometry."""
    return hashed_state(folder / "manifest_smirk_encoder.json", 4.5, 0.0001)


def golden_input() -> Tensor:
    """(1, 3, 224, 224), by the rule that the goldens' input follows."""
    y, x = torch.meshgrid(torch.arange(224), torch.arange(224), indexing="ij")
    ramp = ((3 * x + 5 * y) % 224).double() / 448
    return (0.5 * uniform(9999, 3 * 224 * 224).reshape(1, 3, 224, 224) + ramp).float()
