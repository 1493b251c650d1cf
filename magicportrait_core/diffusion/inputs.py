"""Whether what goes into the networks fits together, asked before any of it is computed."""

from __future__ import annotations

from torch import Tensor

from ..errors import InputError
from ..types import ReferenceCondition

#: px of a picture for one of a latent
CELL = 8


def check_size(width: int, height: int, cell: int = CELL) -> None:
    """Raise InputError for a picture's size that is no multiple of 8 px."""
    if width < cell or height < cell or width % cell or height % cell:
        near = "x".join(str(max(cell, side // cell * cell)) for side in (width, height))
        raise InputError(
            f"a picture's sides must be multiples of {cell} px, got {width}x{height}: use {near}."
        )


def check_reference(reference: ReferenceCondition, size: tuple[int, int]) -> None:
    """Raise InputError where the portrait was read at another size than the latents'.

    size: rows and columns of the latents. The finest bank has one token for each.
    """
    tokens = max((state.shape[1] for state in reference.states.values()), default=0)
    rows, columns = size
    if tokens != rows * columns:
        raise InputError(
            f"the portrait was read at {tokens} px of latent, the maps are {columns}x{rows} = "
            f"{rows * columns}: give portrait and maps one size."
        )


def check_start(start: Tensor, shape: tuple[int, ...]) -> None:
    """Raise InputError for latents to start from that are not (t, 4, h, w), or hold a NaN."""
    if start.ndim == 4 and len(start) != shape[0]:
        raise InputError(
            f"the clip to start from has {len(start)} frames, the maps have {shape[0]}: give as "
            "many of one as of the other."
        )
    if tuple(start.shape) != shape:
        raise InputError(
            f"the latents to start from must be {shape}, got {tuple(start.shape)}: encode frames "
            "of the maps' size."
        )
    check_finite("the latents to start from", start)


def check_finite(name: str, values: Tensor) -> None:
    """Raise InputError where a number is not finite."""
    if not values.isfinite().all():
        raise InputError(f"{name} have numbers that are not finite: make them again, in float32.")
