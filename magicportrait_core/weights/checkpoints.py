"""Checkpoints of torch, .pt .pth .tar, read with `weights_only` and mapped where they can be."""

from __future__ import annotations

import os
from collections.abc import Mapping
from pathlib import Path

import torch
from torch import Tensor

from ..errors import InputError
from .faults import what_broke
from .torch_bytes import refusal

#: how torch's older files begin: a pickle of a number of its own
OLD_MAGIC = b"\x80\x02\x8a\nl\xfc\x9cF\xf9 j\xa8P\x19."


def load_checkpoint(path: str | os.PathLike) -> object:
    """The content of a checkpoint; tensors of an archive stay on the disk until they are used.

    Raises InputError for a file that is damaged or holds more than tensors in plain containers.
    """
    path = Path(path)
    with path.open("rb") as file:
        archive = file.read(2) == b"PK"
    try:
        return torch.load(path, map_location="cpu", weights_only=True, mmap=archive)
    except Exception as error:  # errors of many classes, by what is damaged
        if "GLOBAL" in str(error) or "nsupported" in str(error):
            reason = f"is refused, for it holds more than tensors ({refusal(error)})"
        else:
            reason = f"cannot be read: {_fault(path, error)}"
        raise InputError(
            f"{path.name} {reason}; nothing in it was run. Take the file from its makers' own "
            "page, as .safetensors where they offer that."
        ) from error


def _fault(path: Path, error: Exception) -> str:
    """Why torch could not read a file, in words."""
    with path.open("rb") as file:
        start = file.read(2)
    if start and start != b"PK" and not start.startswith(b"\x80"):
        return "it is no checkpoint of torch, nor any other pickle"
    return what_broke(error)


def tensors_below(content: object, *prefixes: str) -> dict[str, Tensor]:
    """The tensors of a state dict whose keys begin with one of the prefixes, without it.

    The first prefix that any key has is the one that counts; "" takes all.
    """
    if not isinstance(content, Mapping):
        return {}
    tensors = {k: v for k, v in content.items() if isinstance(k, str) and isinstance(v, Tensor)}
    for prefix in prefixes:
        found = {k[len(prefix) :]: v for k, v in tensors.items() if k.startswith(prefix)}
        if found:
            return found
    return {}
