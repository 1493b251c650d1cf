"""Safetensors written tensor by tensor, so that only one of them is in memory.

The format: https://huggingface.co/docs/safetensors, "Format".
"""

from __future__ import annotations

import json
import math
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path

import torch
from torch import Tensor

from ..errors import InputError

NAMES = {
    torch.float32: "F32",
    torch.float16: "F16",
    torch.bfloat16: "BF16",
}
_ALIGNED = 8  #: the values begin at a multiple of this


@dataclass(frozen=True)
class Planned:
    """A tensor that will be written."""

    shape: tuple[int, ...]
    dtype: torch.dtype  #: one of NAMES

    @property
    def nbytes(self) -> int:
        return math.prod(self.shape) * self.dtype.itemsize


def write_safetensors(
    path: Path,
    plan: Mapping[str, Planned],
    tensors: Iterable[tuple[str, Tensor]],
    metadata: Mapping[str, str],
) -> None:
    """Write ``tensors``, which come in the order of ``plan`` and are converted to its types.

    Raises InputError for values that are no numbers, or none in the type they are to have.
    """
    header: dict[str, object] = {"__metadata__": dict(metadata)}
    end = 0
    for key, planned in plan.items():
        begin, end = end, end + planned.nbytes
        header[key] = {
            "dtype": NAMES[planned.dtype],
            "shape": list(planned.shape),
            "data_offsets": [begin, end],
        }
    text = json.dumps(header).encode()
    text += b" " * (-len(text) % _ALIGNED)
    with path.open("wb") as file:
        file.write(len(text).to_bytes(8, "little") + text)
        for (key, planned), (name, tensor) in zip(plan.items(), tensors, strict=True):
            if key != name or tuple(tensor.shape) != planned.shape:
                raise ValueError(f"{name} {tuple(tensor.shape)} came, {key} {planned.shape} is due")
            file.write(_bytes(name, tensor, planned.dtype))


def _bytes(name: str, tensor: Tensor, dtype: torch.dtype) -> memoryview:
    made = tensor.detach().cpu().to(dtype).contiguous()
    if not torch.isfinite(made).all():
        raise InputError(
            f"{name} has values that are no numbers, or too large for {NAMES[dtype]}: the file it "
            "comes from is damaged, or another type is needed."
        )
    return memoryview(made.reshape(-1).view(torch.uint8).numpy())
