"""Maps as files, guidance encoders and people get them."""

from __future__ import annotations

import torch
from torch import Tensor

from ..types import MapBatch


def to_bytes(images: Tensor) -> Tensor:
    """Float 0..1 of any shape -> uint8, clamped, floor(255x + 0.5) as the reference's files."""
    return images.mul(255).add_(0.5).clamp_(0, 255).to(torch.uint8)


def quantised(batch: MapBatch) -> MapBatch:
    """Each map clamped to 0..1 and rounded to 8 bits, as it comes back from the reference's files.

    Negative parts of normals are cut: the model was trained on that.
    """
    names = ("depth", "normal", "render", "mask")
    return MapBatch(*(to_bytes(getattr(batch, name)).float().div_(255) for name in names))


def normal_to_image(normal: Tensor) -> Tensor:
    """Normals -1..1 as a picture that can be read: 0.5 + 0.5 n, grey where there is no mesh."""
    return normal * 0.5 + 0.5


def image_to_normal(image: Tensor) -> Tensor:
    """What the guidance encoder gets from such a picture: clamp(2x - 1, 0, 1)."""
    return (image * 2 - 1).clamp_(0, 1)
