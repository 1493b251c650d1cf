"""Loops compiled by Numba, where it is installed."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import lru_cache
from typing import Any

import torch

from ...errors import InputError


@lru_cache
def compiled(loop: Callable[..., None]) -> Any:
    """``loop`` as machine code, made when it is first called. Raises InputError without Numba.

    Neither contraction nor reassociation: the last bit decides which face a pixel sees.
    """
    try:
        with one_runtime():
            import numba
    except ImportError as error:
        raise InputError(
            "The rasteriser numba needs the package numba: run `pip install numba`, or choose the "
            "rasteriser torch."
        ) from error
    return numba.njit(nogil=True, error_model="numpy", fastmath=False)(loop)


@contextmanager
def one_runtime() -> Iterator[None]:
    """Leave torch its number of threads: Numba may set that of an OpenMP runtime they share."""
    threads = torch.get_num_threads()
    try:
        yield
    finally:
        if torch.get_num_threads() != threads:
            torch.set_num_threads(threads)
