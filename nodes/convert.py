"""ComfyUI's pictures (t, h, w, c) float 0..1 <-> the core's (t, 3, h, w)."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from torch import Tensor

from ..magicportrait_core.errors import InputError


def image_to_core(image: Tensor) -> Tensor:
    """IMAGE (t, h, w, 1, 3 or 4) -> (t, 3, h, w) float32 0..1; alpha is laid over white."""
    if image.ndim != 4 or image.shape[-1] not in (1, 3, 4):
        raise InputError(f"an IMAGE must be (t, h, w, 1, 3 or 4), got {tuple(image.shape)}")
    image = image.float().clamp(0, 1)
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


def kept_frames(batches: Iterable[Tensor], images: Tensor) -> Iterator[Tensor]:
    """Hand (n, 3, h, w) batches on, copying as many frames as ``images`` (t, h, w, 3) has room."""
    done = 0
    for batch in batches:
        room = batch[: max(len(images) - done, 0)]
        images[done : done + len(room)] = core_to_image(room)
        done += len(batch)
        yield batch
