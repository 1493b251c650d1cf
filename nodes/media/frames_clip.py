"""A batch of pictures in memory as a clip, cut by the core's own rules for files."""

from __future__ import annotations

import torch
from torch import Tensor

from ...magicportrait_core.types import VideoClip
from ...magicportrait_core.video.timing import Timeline, Trim, as_rate, plan_frames
from .convert import image_to_core, to_uint8

NAME = "the frames input"
WHOLE = {
    "fps": None, "start": 0, "end": None, "stride": 1, "max_frames": None, "skip_frames": 0,
}  # fmt: skip
AT_ONCE = 8  #: frames converted at a time: a batch in memory is large enough without a copy


def frames_clip(images: Tensor, rate: float, **cut) -> VideoClip:
    """IMAGE (t, h, w, c) played at ``rate`` per second; ``cut`` as open_video takes it.

    Raises InputError where the cut leaves no frame.
    """
    given = as_rate(rate)
    times = tuple(i / given for i in range(len(images)))
    timeline = Timeline(times, len(times) / given, 1 / given, (given,))
    trim = Trim.checked(**WHOLE | cut)
    plan = plan_frames(timeline, trim, NAME)
    return VideoClip.from_tensor(image_bytes(images, list(plan.indices)), plan.fps, NAME)


def image_bytes(images: Tensor, indices: list[int]) -> Tensor:
    """Those of the pictures of an IMAGE (t, h, w, c) -> (n, 3, h, w) uint8."""
    out = torch.empty(len(indices), 3, *images.shape[1:3], dtype=torch.uint8)
    for start in range(0, len(indices), AT_ONCE):
        rows = indices[start : start + AT_ONCE]
        out[start : start + AT_ONCE] = to_uint8(image_to_core(images[rows]))
    return out
