"""Between pictures as files hold them (uint8 0..255) and as the engines want them (float 0..1)."""

import torch
from torch import Tensor


def to_uint8(images: Tensor) -> Tensor:
    """Float 0..1 of any shape -> uint8, clamped and rounded."""
    return images.clamp(0, 1).mul(255).round().to(torch.uint8)


def to_float(images: Tensor) -> Tensor:
    """uint8 of any shape -> float32 0..1."""
    return images.to(torch.float32) / 255
