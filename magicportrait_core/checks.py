"""Shape and range guards. Messages say what was expected and what came."""

from __future__ import annotations

from numbers import Real

from torch import Tensor

from .errors import InputError

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
