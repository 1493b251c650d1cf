"""FLAME's texture space: a mean picture and how it varies, as colours to render with."""

from __future__ import annotations

from collections.abc import Mapping

import torch
from torch import Tensor

from ..checks import check_shape
from ..errors import InputError

OFFICIAL_SIZE, SIZE = 512, 256  #: px a side, in the official file and here
NUM_COMPONENTS = 50  #: the official file has 200; the reference's encoder knows these


def texture_from_official(mean: Tensor, basis: Tensor) -> dict[str, Tensor]:
    """The arrays of FLAME_texture.npz as this package keeps them: part "texture" of `flame.files`.

    The reference computes 512 x 512 texels and takes every other one of them.

    Args:
        mean: (512, 512, 3) BGR 0..255.
        basis: (512, 512, 3, n) with n >= 50, the same units a standard deviation.

    Returns:
        mean (3, 256, 256) and basis (50, 3, 256, 256), float32, RGB, 0..1.
    """
    check_shape("the texture's mean", mean, OFFICIAL_SIZE, OFFICIAL_SIZE, 3)
    n = check_shape("the texture's basis", basis, OFFICIAL_SIZE, OFFICIAL_SIZE, 3, "n")["n"]
    if n < NUM_COMPONENTS:
        raise InputError(f"the texture's basis must have {NUM_COMPONENTS} components, got {n}")
    step = OFFICIAL_SIZE // SIZE
    some_mean = mean[::step, ::step].float()
    some_basis = basis[::step, ::step, :, :NUM_COMPONENTS].float()
    return {
        "mean": (some_mean.flip(2) / 255).permute(2, 0, 1).contiguous(),
        "basis": (some_basis.flip(2) / 255).permute(3, 2, 0, 1).contiguous(),
    }


def albedo(texture: Mapping[str, Tensor], coefficients: Tensor) -> Tensor:
    """(50,) coefficients -> (3, 256, 256) RGB, 0..1 but for what is not clamped."""
    check_shape("texture coefficients", coefficients, NUM_COMPONENTS)
    return texture["mean"] + torch.tensordot(coefficients, texture["basis"], 1)
