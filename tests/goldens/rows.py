"""One row of the golden check for each expected tensor, and the rules that make it ok."""

from __future__ import annotations

import math
from dataclasses import dataclass

import torch
from torch import Tensor

MAP_LIMIT = 1e-4  #: from which on a pixel of a map is off
PIXELS_OFF = 20  #: pixels of a map that may be off
REL_LIMIT = 1e-5
UINT8_LIMIT = 1


@dataclass(frozen=True)
class Row:
    """How one computed tensor compares with the expected one. None: does not apply."""

    file: str  #: path below the folder that is checked
    tensor: str
    compared: bool
    max_abs: float | None = None
    rel: float | None = None  #: L2 norm of the difference over that of the expected
    pixels_off: int | None = None
    ok: bool | None = None  #: None: the product replaces the step
    reason: str | None = None  #: why it was not compared


@dataclass(frozen=True)
class Computed:
    """What the production code gives for one expected tensor."""

    tensor: str
    value: Tensor
    pixels: tuple[int, ...] | None = None  #: of a map: its axes of frames, rows and columns
    pixels_off: int = PIXELS_OFF  #: of a map: how many may be off
    rel_limit: float = REL_LIMIT  #: of other floats

    @staticmethod
    def picture(tensor: str, value: Tensor) -> Computed:
        """A map of channels first, (n, c, h, w)."""
        return Computed(tensor, value, (0, 2, 3))

    @staticmethod
    def buffer(tensor: str, value: Tensor, pixels_off: int = PIXELS_OFF) -> Computed:
        """A map of channels last or of none, (n, h, w, ...)."""
        return Computed(tensor, value, (0, 1, 2), pixels_off)


def compare(file: str, computed: Computed, expected: Tensor) -> Row:
    """The row of one tensor."""
    value = computed.value.detach().cpu()
    if value.shape != expected.shape:
        reason = f"shape {tuple(value.shape)}, expected {tuple(expected.shape)}"
        return Row(file, computed.tensor, False, ok=False, reason=reason)
    difference = (value.double() - expected.double()).abs()
    rel = _ratio(float(difference.norm()), float(expected.double().norm()))
    floats = expected.dtype.is_floating_point
    off = None if computed.pixels is None else _pixels_off(difference, computed.pixels, floats)
    return Row(
        file,
        computed.tensor,
        True,
        max_abs=_number(float(difference.max()) if difference.numel() else 0.0),
        rel=rel,
        pixels_off=off,
        ok=_passes(computed, difference, rel, off, expected.dtype),
    )


def _passes(
    computed: Computed, difference: Tensor, rel: float | None, off: int | None, dtype: torch.dtype
) -> bool:
    if not difference.isfinite().all():
        return False
    if off is not None:
        return off <= computed.pixels_off
    if dtype == torch.uint8:
        return bool((difference <= UINT8_LIMIT).all())
    if not dtype.is_floating_point:
        return not difference.any()
    return rel is not None and rel <= computed.rel_limit


def _pixels_off(difference: Tensor, pixels: tuple[int, ...], floats: bool) -> int:
    """Pixels of which a channel is off; of indices, any difference is."""
    far = ~(difference <= (MAP_LIMIT if floats else 0))
    channels = [axis for axis in range(far.ndim) if axis not in pixels]
    return int((far.any(channels[0]) if channels else far).sum())


def _ratio(difference: float, expected: float) -> float | None:
    """None where nothing but zeros was expected and something else came."""
    if expected == 0:
        return 0.0 if difference == 0 else None
    return _number(difference / expected)


def _number(value: float) -> float | None:
    """JSON has no NaN and no infinity."""
    return value if math.isfinite(value) else None
