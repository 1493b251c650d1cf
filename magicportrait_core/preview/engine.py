"""The preview engine's two entrances: a clip driven by a track, a still driven by sliders."""

from __future__ import annotations

from collections.abc import Iterator

import torch
from torch import Tensor

from ..checks import check_picture, check_type
from ..errors import InputError
from ..threads import one_thread
from ..types import FaceTrack, Progress, no_progress
from .head import PortraitHead
from .motion import FaceMotion, MotionSettings
from .renderer import Renderer
from .retarget import retarget
from .sliders import FaceSliders, slider_motion

#: Frames drawn at once: as many as fit this many pixels, at most _MOST_FRAMES.
_BATCH_PIXELS = 8 * 512 * 512
_MOST_FRAMES = 16


def portrait_head(portrait: Tensor, track: FaceTrack) -> PortraitHead:
    """Check a portrait (3, h, w) float 0..1 against its track and build its head.

    Raises InputError for uint8 and for a track of another picture.
    """
    sizes = check_picture("portrait", portrait)
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
    """Draw on ``device``; yield (n, 3, h, w) float 0..1 on the CPU, a few frames at a time."""
    renderer = Renderer.from_portrait(portrait, head, device)
    size = max(1, min(_MOST_FRAMES, _BATCH_PIXELS // (portrait.shape[1] * portrait.shape[2])))
    for start in range(0, len(motion), size):
        progress("render", start, len(motion))
        with torch.inference_mode(), one_thread():
            frames = renderer.draw(motion[start : start + size])
        yield frames.cpu()
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

    portrait (3, h, w) float 0..1; portrait_track t = 1, made on that picture. Raises InputError.
    """
    check_type("settings", settings, MotionSettings)
    head = portrait_head(portrait, portrait_track)
    motion = retarget(head, driver, settings or MotionSettings())
    yield from render_motion(portrait, head, motion, device=device, progress=progress)


def edit_still(
    portrait: Tensor,
    portrait_track: FaceTrack,
    sliders: FaceSliders,
    *,
    device: torch.device | str = "cpu",
) -> Tensor:
    """The portrait posed by hand: (3, h, w) float 0..1, as ``portrait`` is. Raises InputError."""
    head = portrait_head(portrait, portrait_track)
    motion = slider_motion(head, [sliders])
    return next(render_motion(portrait, head, motion, device=device))[0]
