"""Pictures as the networks were trained to see them."""

from __future__ import annotations

import numpy as np
import torch
from PIL import Image
from torch import Tensor

from ...checks import check_shape
from ...errors import InputError


def prepare_portrait(picture: Tensor, height: int, width: int) -> Tensor:
    """(3, h, w) uint8 -> (1, 3, height, width) float32 -1..1 for the VAE, resized by Lanczos.

    The picture is not cropped: give one of the wanted proportions.
    """
    return 2 * _resized(picture, height, width, Image.Resampling.LANCZOS) - 1


def prepare_maps(pictures: Tensor, height: int, width: int) -> Tensor:
    """(n, 3, h, w) uint8 -> (n, 3, height, width) float32 0..1 for a guidance encoder, bicubic."""
    if pictures.ndim != 4 or not len(pictures):
        raise InputError(f"maps must be (n, 3, h, w), got {tuple(pictures.shape)}")
    return torch.cat([_resized(p, height, width, Image.Resampling.BICUBIC) for p in pictures])


def _resized(picture: Tensor, height: int, width: int, how: Image.Resampling) -> Tensor:
    check_shape("picture", picture, 3, "h", "w")
    if picture.dtype != torch.uint8:
        raise InputError(f"a picture must be uint8, got {picture.dtype}")
    image = Image.fromarray(np.ascontiguousarray(picture.permute(1, 2, 0).cpu().numpy()))
    if image.size != (width, height):
        image = image.resize((width, height), how)
    return torch.from_numpy(np.array(image, dtype=np.float32) / 255).permute(2, 0, 1)[None]
