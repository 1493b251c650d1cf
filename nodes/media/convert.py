"""ComfyUI's pictures (t, h, w, c) float 0..1 <-> the core's (t, 3, h, w)."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

import torch
from torch import Tensor

from ...magicportrait_core.errors import InputError


def image_to_core(image: Tensor) -> Tensor:
    """IMAGE (t, h, w, 1, 3 or 4) -> (t, 3, h, w) float32 0..1 on the CPU, alpha laid over white.

    The host may keep pictures on the GPU (--gpu-only); the core takes them there where it gains.
    """
    if image.ndim != 4 or image.shape[-1] not in (1, 3, 4):
        raise InputError(f"an IMAGE must be (t, h, w, 1, 3 or 4), got {tuple(image.shape)}")
    image = image.cpu().float().clamp(0, 1)
    if image.shape[-1] == 1:
        image = image.expand(-1, -1, -1, 3)
    if image.shape[-1] == 4:
        rgb, alpha = image[..., :3], image[..., 3:]
        image = rgb * alpha + (1 - alpha)
    return image.movedim(-1, 1).contiguous()


def core_to_image(images: Tensor) -> Tensor:
    """(t, 3, h, w) float 0..1 -> IMAGE (t, h, w, 3) float32 on the CPU."""
    return images.detach().float().clamp(0, 1).movedim(1, -1).contiguous().cpu()


def to_uint8(images: Tensor) -> Tensor:
    """(..., 3, h, w) float 0..1 -> uint8 0..255, rounded."""
    return (images * 255).round().clamp(0, 255).byte()


def single_picture(image: Tensor, name: str) -> Tensor:
    """IMAGE of one picture -> (3, h, w) float32 0..1; a batch is refused by name."""
    if image.shape[0] != 1:
        raise InputError(f"{name} must be one picture, got a batch of {image.shape[0]}")
    return image_to_core(image)[0]


class KeptFrames:
    """Hands frames on and keeps the first ``count`` of them as an IMAGE."""

    def __init__(self, count: int, height: int, width: int) -> None:
        self._images, self._kept = torch.empty(count, height, width, 3), 0

    def of(self, batches: Iterable[Tensor]) -> Iterator[Tensor]:
        """The same (n, 3, h, w) batches, float 0..1."""
        for batch in batches:
            room = batch[: len(self._images) - self._kept]
            self._images[self._kept : self._kept + len(room)] = core_to_image(room)
            self._kept += len(room)
            yield batch

    @property
    def images(self) -> Tensor:
        """(t, h, w, 3): what has come, fewer where a source broke off."""
        return self._images[: self._kept]
