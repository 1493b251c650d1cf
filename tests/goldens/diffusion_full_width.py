"""golden_e*: the three networks at their real widths, filled by a hash. 7 GiB of memory.

Names say the case: PREFIX.latents and so on are its inputs, PREFIX.output.f16bank.t499 an output.
"""

from __future__ import annotations

import gc
import json
import math
import re
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import torch
from torch import Tensor

from magicportrait_core.diffusion.checkpoints.loading import build_module
from magicportrait_core.diffusion.clips.clip_layout import (
    clip_to_frames,
    frames_to_clip,
    predict_clip,
)
from magicportrait_core.diffusion.layers.configs import UNetConfig
from magicportrait_core.diffusion.motion_module import positions
from magicportrait_core.types import ReferenceCondition
from tests.goldens.diffusion_networks import (
    BANKS,
    as_halves,
    complete_reference,
    probe_names,
    probed,
)
from tests.goldens.registry import Family, GoldenFile
from tests.goldens.rows import Computed

GAIN = 3.0
LIMITS = {"f32bank": 2e-5, "f16bank": 2e-4}


def hashed(folder: Path, kind: str) -> dict[str, Tensor]:
    """The weights of one network, as goldens/diffusion/README.md fills them; pe is a sinusoid."""
    shapes = json.loads((folder / f"manifest_{kind}.json").read_text())
    return {
        name: positions(*shape[1:]) if name.endswith("pos_encoder.pe") else _fill(name, k, shape)
        for k, (name, shape) in enumerate(sorted(shapes.items()))
    }


def _fill(name: str, k: int, shape: list[int]) -> Tensor:
    """The k-th tensor. In blocks that stay in the cache: there are 2.2 billion values."""
    out = np.empty(math.prod(shape), np.float32)
    block = 1 << 16
    for start in range(0, len(out), block):
        x = np.arange(start, min(start + block, len(out)), dtype=np.uint32)
        x += np.uint32(0x9E3779B9 * (k + 1) & 0xFFFFFFFF)
        x ^= x >> 16
        x *= np.uint32(0x7FEB352D)
        x ^= x >> 15
        x *= np.uint32(0x846CA68B)
        x ^= x >> 16
        u = (x >> 8) / 2**24  # float64
        if len(shape) > 1:
            values = (2 * u - 1) * math.sqrt(GAIN / math.prod(shape[1:]))
        elif name.endswith("weight"):
            values = 0.75 + 0.5 * u
        else:
            values = 0.1 * (2 * u - 1)
        out[start : start + block] = values
    return torch.from_numpy(out).reshape(shape)


def full_width(file: GoldenFile) -> Iterator[Computed]:
    """One network in memory at a time."""
    prefixes = sorted({n.split(".")[0] for n in file.tensors if n.endswith(".ref_latents")})
    guidance = yield from _encoder(file, prefixes)
    gc.collect()
    banks = yield from _reference(file, prefixes)
    gc.collect()
    yield from _denoiser(file, prefixes, guidance, banks)


def _encoder(file: GoldenFile, prefixes: list[str]) -> Iterator[Computed]:
    state = hashed(file.folder, "guidance_encoder")
    yield from _fill_checks(file, "guidance_encoder", state)
    net, made = build_module("guidance_encoder", state), {}
    for prefix in prefixes:
        with torch.no_grad():
            made[prefix] = frames_to_clip(net(clip_to_frames(file.tensors[f"{prefix}.condition"])))
        yield Computed(f"{prefix}.guidance_fea", made[prefix])
    return made


def _reference(file: GoldenFile, prefixes: list[str]) -> Iterator[Computed]:
    state = hashed(file.folder, "reference_unet")
    yield from _fill_checks(file, "reference_unet", state)
    net = build_module("reference_unet", state)
    whole = complete_reference(state, UNetConfig())  # shares the tensors
    banks: dict[str, ReferenceCondition] = {}
    text = file.tensors["text_embeds"]
    for prefix in prefixes:
        latents = file.tensors[f"{prefix}.ref_latents"]
        with torch.no_grad():
            banks[prefix] = net(latents, text)
        seen = probed(whole, ["up_blocks.3"], lambda x=latents: whole(x, text).states)
        for name in file.tensors:
            if found := re.fullmatch(re.escape(prefix) + r"\.bank\.\d+\.(.+)\.stats", name):
                value = banks[prefix].states[found[1]].expand(2, -1, -1)
                yield from _summary(name.removesuffix(".stats"), value)
        yield from _summary(f"{prefix}.last_hidden", seen["up_blocks.3"].expand(2, -1, -1, -1))
    return banks


def _denoiser(
    file: GoldenFile,
    prefixes: list[str],
    guidance: dict[str, Tensor],
    banks: dict[str, ReferenceCondition],
) -> Iterator[Computed]:
    state = hashed(file.folder, "denoising_unet")
    yield from _fill_checks(file, "denoising_unet", state)
    net = build_module("denoising_unet", state)
    text = file.tensors["text_embeds"]
    for prefix in prefixes:
        names = probe_names(file.tensors, f"{prefix}.probe.")
        for name in file.tensors:
            pattern = re.escape(prefix) + r"\.output(_nocfg)?\.(f\d+bank)\.t(\d+)"
            if not (found := re.fullmatch(pattern, name)):
                continue
            bank = banks[prefix].to(dtype=BANKS[found[2]])
            given = (file.tensors[f"{prefix}.latents"], int(found[3]), text, guidance[prefix], bank)
            half = found[1] is None
            seen = probed(net, names, lambda g=given, h=half: predict_clip(net, *g, h))
            yield Computed(name, seen.pop(""), rel_limit=LIMITS[found[2]])
            for probe, output in seen.items() if half and found[2] == "f32bank" else ():
                yield from _summary(f"{prefix}.probe.{probe}", as_halves(output))


def _summary(name: str, value: Tensor) -> Iterator[Computed]:
    """Mean, standard deviation and largest magnitude; the first 64 values."""
    value = value.contiguous()
    stats = torch.stack([value.mean(), value.std(), value.abs().max()])
    yield Computed(f"{name}.stats", stats, rel_limit=LIMITS["f32bank"])
    yield Computed(f"{name}.head", value.flatten()[:64], rel_limit=LIMITS["f32bank"])


def _fill_checks(file: GoldenFile, kind: str, state: dict[str, Tensor]) -> Iterator[Computed]:
    """The first and last 8 values of some tensors, or all of a short one."""
    prefix = f"fillcheck.{kind}."
    for name in file.tensors:
        if name.startswith(prefix):
            flat = state[name.removeprefix(prefix)].flatten()
            yield Computed(name, flat if len(flat) < 16 else torch.cat([flat[:8], flat[-8:]]))


INPUTS = ("*.latents", "*.ref_latents", "*.condition", "text_embeds")
FAMILIES = (Family("golden_e_*.safetensors", full_width, INPUTS, slow=True),)
