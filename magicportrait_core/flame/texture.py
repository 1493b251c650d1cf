"""FLAME's texture space: a mean picture and how it varies, as colours to render with.

`importers.texture` makes it of the official file.
"""

from __future__ import annotations

from collections.abc import Mapping

import torch
from torch import Tensor

from ..checks import check_shape

OFFICIAL_SIZE, SIZE = 512, 256  #: px a side, in the official file and here
NUM_COMPONENTS = 50  #: the official file has 200; the reference's encoder knows these


def albedo(texture: Mapping[str, Tensor], coefficients: Tensor) -> Tensor:
    """(50,) coefficients -> (3, 256, 256) RGB, 0..1 but for what is not clamped."""
    check_shape("texture coefficients", coefficients, NUM_COMPONENTS)
    return texture["mean"] + torch.tensordot(coefficients, texture["basis"], 1)
