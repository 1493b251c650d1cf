"""The preview engine's two entrances: a clip driven by a track, a still driven by sliders."""

from __future__ import annotations

from collections.abc import Iterator

import torch
from torch import Tensor

from ..checks import check_shape
from ..errors import InputError
from ..types import FaceTrack, Progress, no_progress
from .head import PortraitHead
from .motion import FaceMotion, MotionSettings
from .renderer import Renderer
from .retarget import retarget
from .sliders import FaceSliders, slider_motion

BATCH = 8


def portrait_head(portrait: Tensor, track: FaceTrack) -> PortraitHead:
    """Check a portrait (3, h, w) float 0..1 against its track and build its head."""
    sizes = check_shape("portrait", portrait, 3, "h", "w")
    if track.frame_size != (sizes["h"], sizes["w"]):
        raise InputError(
            f"the portrait's track was made on a picture of {track.frame_size[1]}x"
            f"{track.frame_size[0]} px, but the portrait is {sizes['w']}x{sizes['h']}"
        )
    return PortraitHead.from_track(track)


def render_motion(
    portrait: Tensor,
    head: PortraitHead,
    motion: FaceMotion,
    *,
    device: torch.device | str = "cpu",
    progress: Progress = no_progress,
) -> Iterator[Tensor]:
    """Yield (n, 3, h, w) float 0..1 on ``device``, n <= BATCH, for each stretch of ``motion``."""
    renderer = Renderer.from_portrait(portrait, head, device)
    for start in range(0, len(motion), BATCH):
        progress("render", start, len(motion))
        with torch.inference_mode():
            yield renderer.draw(motion[start : start + BATCH])
    progress("render", len(motion), len(motion))


def reenact_frames(
    portrait: Tensor,
    portrait_track: FaceTrack,
    driver: FaceTrack,
    settings: MotionSettings | None = None,
    *,
    device: torch.device | str = "cpu",
    progress: Progress = no_progress,
) -> Iterator[Tensor]:
    """Yield the portrait moving as the driver moves: (n, 3, h, w) float 0..1 per batch.

    portrait (3, h, w) float 0..1; portrait_track t = 1, made on that picture.
    """
    head = portrait_head(portrait, portrait_track)
    motion = retarget(head, driver, settings or MotionSettings())
    yield from render_motion(portrait, head, motion, device=device, progress=progress)


def edit_still(portrait: Tensor, portrait_track: FaceTrack, sliders: FaceSliders) -> Tensor:
    """The portrait posed by hand: (3, h, w) float 0..1."""
    head = portrait_head(portrait, portrait_track)
    motion = slider_motion(head.shape, [sliders])
    return next(render_motion(portrait, head, motion))[0]
