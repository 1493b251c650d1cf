"""Shape and range guards. Messages say what was expected and what came."""

from __future__ import annotations

from numbers import Integral, Real

import torch
from torch import Tensor

from .errors import InputError

_WHOLE = (torch.int64, torch.int32, torch.int16, torch.int8, torch.uint8)
_BRIGHTEST = 2.0  #: resampling may leave 0..1 by a little; 0..255 does not stay below


def check_shape(name: str, tensor: Tensor, *expected: int | str) -> dict[str, int]:
    """Match ``tensor.shape`` against ints and named sizes; return the named sizes.

    >>> import torch
    >>> check_shape("boxes", torch.zeros(7, 4), "t", 4)
    {'t': 7}
    """
    shape = tuple(tensor.shape)
    wanted = "(" + ", ".join(str(e) for e in expected) + ")"
    if len(shape) != len(expected):
        raise InputError(f"{name} must be {wanted}, got {shape}")
    sizes: dict[str, int] = {}
    for got, want in zip(shape, expected, strict=True):
        if isinstance(want, str):
            if sizes.setdefault(want, got) != got:
                raise InputError(f"{name} must be {wanted}, got {shape}")
        elif got != want:
            raise InputError(f"{name} must be {wanted}, got {shape}")
    return sizes


def check_indices(name: str, tensor: Tensor, count: int) -> None:
    """Raise unless ``tensor`` holds whole numbers, each of them one of 0..count-1."""
    kind = getattr(tensor, "dtype", type(tensor).__name__)
    if kind not in _WHOLE:
        raise InputError(f"{name} must be whole numbers, int64, got {kind}")
    if tensor.numel() and not 0 <= int(tensor.min()) <= int(tensor.max()) < count:
        raise InputError(f"{name} must name vertices 0..{count - 1}")


def check_size(name: str, height: object, width: object) -> None:
    """Raise unless a picture's sides are whole numbers of pixels, from 1 on."""
    sides = (height, width)
    if not all(isinstance(side, Integral) and not isinstance(side, bool) for side in sides):
        raise InputError(
            f"{name} has whole numbers of pixels, got a width of {width!r} and a height of "
            f"{height!r}"
        )
    if min(sides) < 1:
        raise InputError(f"{name} needs at least 1 x 1 px, got {width} x {height}")


def check_number(name: str, value: object) -> None:
    """Raise unless ``value`` is a number, or a tensor of one."""
    alone = isinstance(value, Tensor) and value.numel() == 1
    if not (isinstance(value, Real) or alone):
        raise InputError(f"{name} must be a number, got {value!r}")


def check_type(name: str, value: object, kind: type) -> None:
    """Raise unless ``value`` is a ``kind`` or None."""
    if not (value is None or isinstance(value, kind)):
        raise InputError(f"{name} must be a {kind.__name__}, got {value!r}")


def check_picture(name: str, picture: Tensor) -> dict[str, int]:
    """Raise unless ``picture`` is (3, h, w) float 0..1; its "h" and "w"."""
    if not isinstance(picture, Tensor) or not picture.is_floating_point():
        got = picture.dtype if isinstance(picture, Tensor) else type(picture).__name__
        raise InputError(
            f"{name} must be a float tensor (3, h, w) of 0..1, got {got}: `pictures.to_float` "
            "makes one of uint8"
        )
    sizes = check_shape(name, picture, 3, "h", "w")
    if picture.numel() and float(picture.amax()) > _BRIGHTEST:
        raise InputError(f"{name} must be 0..1, its brightest value is {float(picture.amax()):g}")
    return sizes


def check_range(name: str, value: float, low: float, high: float) -> None:
    """Raise unless ``low <= value <= high`` (NaN fails too, and what is no number)."""
    check_number(name, value)
    if not low <= value <= high:
        raise InputError(f"{name} must be between {low:g} and {high:g}, got {value:g}")


def check_choice(name: str, value: str, choices: tuple[str, ...]) -> None:
    """Raise unless ``value`` is one of ``choices``."""
    if value not in choices:
        raise InputError(f"{name} must be one of {', '.join(choices)}, got {value!r}")
