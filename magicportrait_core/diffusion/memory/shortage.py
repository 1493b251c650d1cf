"""Running out of memory, said so that a user knows what to lower."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

import torch

from ...errors import InputError

#: what allocators say, in lower case: CUDA and MPS, the CPU's on Linux, on Windows
_SAYINGS = (
    "out of memory",
    "can't allocate memory",
    "not enough memory",
    "cublas_status_alloc_failed",
)


@contextmanager
def naming_shortage(work: str, lower: str) -> Iterator[None]:
    """Turn an allocation that failed inside into an InputError; other errors pass as they are.

    work: what was being done, "decoding frames"; lower: what needs less, "the picture's size".
    """
    try:
        yield
    except (RuntimeError, MemoryError) as error:
        if not is_shortage(error):
            raise
        raise InputError(f"There is not enough memory for {work}: lower {lower}.") from error


def is_shortage(error: BaseException) -> bool:
    """Whether an error says that memory could not be had."""
    if isinstance(error, (MemoryError, torch.cuda.OutOfMemoryError)):
        return True
    said = str(error).lower()
    return isinstance(error, RuntimeError) and any(saying in said for saying in _SAYINGS)
