"""Torch tensors inside a pickle: their bytes, read by torch's own restricted reader."""

from __future__ import annotations

import io
import math
from typing import IO

import numpy as np
import torch

from .faults import what_broke
from .pickle_scan import TORCH, scan_pickle
from .stand_ins import Refused, shown

MAX_STORAGE = 64 << 20  #: bytes of one tensor; those of landmark_embedding.npy have some thousands


def storage_from_bytes(data: object) -> torch.TypedStorage:
    """torch.storage._load_from_bytes, with `weights_only`.

    Such bytes are themselves a pickle. torch writes them in its old form, which is no archive.
    """
    if not isinstance(data, (bytes, bytearray)) or len(data) > MAX_STORAGE:
        raise Refused("it has a tensor that is no plain bytes or too large")
    if data[:2] == b"PK":
        raise Refused("it has an archive inside a tensor")
    try:
        scan_old_form(io.BytesIO(data), len(data))
        storage = torch.load(io.BytesIO(data), map_location="cpu", weights_only=True)
    except Refused:
        raise
    except Exception as error:  # torch names what it refuses in errors of several classes
        raise Refused(f"it has a tensor that torch refuses ({refusal(error)})") from error
    if not isinstance(storage, torch.TypedStorage):
        raise Refused("it has something else where the values of a tensor should be")
    return storage


def scan_old_form(stream: IO[bytes], length: int) -> None:
    """Walk over the pickles that a file of torch in its old form begins with; see `scan_pickle`.

    They are its number, its version, the machine it is from, the content, and the names of its
    tensors' values, which come behind.
    """
    for _ in range(5):
        scan_pickle(stream, length, TORCH)


def rebuild_tensor(
    storage: object, offset: int, size: tuple, stride: tuple, *_rest: object
) -> np.ndarray:
    """torch._utils._rebuild_tensor_v2, to an array; gradients and hooks are left out."""
    if not isinstance(storage, torch.TypedStorage):
        raise Refused("it makes a tensor of something else")
    values = torch.empty(0, dtype=storage.dtype).set_(storage._untyped_storage)
    numbers = (offset, *size, *stride)
    if not all(type(n) is int and n >= 0 for n in numbers) or math.prod(size) > len(values):
        raise Refused(f"it has a tensor of shape {shown(size)} over {len(values)} values")
    return values.as_strided(size, stride, offset).contiguous().numpy()


def refusal(error: Exception) -> str:
    """The part of torch's error that names what it refuses, else what broke."""
    for part in str(error).replace(". ", "\n").splitlines():
        if "GLOBAL" in part or "nsupported" in part:
            return part.strip()[:160]
    return what_broke(error)
