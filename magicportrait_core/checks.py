"""Shape and range guards. Messages say what was expected and what came."""

from __future__ import annotations

from torch import Tensor

from .errors import InputError


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


def check_range(name: str, value: float, low: float, high: float) -> None:
    """Raise unless ``low <= value <= high`` (NaN fails too)."""
    if not low <= value <= high:
        raise InputError(f"{name} must be between {low:g} and {high:g}, got {value:g}")


def check_choice(name: str, value: str, choices: tuple[str, ...]) -> None:
    """Raise unless ``value`` is one of ``choices``."""
    if value not in choices:
        raise InputError(f"{name} must be one of {', '.join(choices)}, got {value!r}")
