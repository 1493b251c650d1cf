"""A batch of pictures in memory as a clip, cut by the core's own rules for files."""

from __future__ import annotations

from torch import Tensor

from ..magicportrait_core.types import VideoClip
from ..magicportrait_core.video.timing import Timeline, Trim, as_rate, plan_frames
from .convert import to_uint8

NAME = "the frames input"


def frames_clip(images: Tensor, rate: float, **cut) -> VideoClip:
    """(t, 3, h, w) float 0..1, played at ``rate`` per second; ``cut`` as open_video takes it.

    Raises InputError where the cut leaves no frame.
    """
    given = as_rate(rate)
    times = tuple(i / given for i in range(len(images)))
    timeline = Timeline(times, len(times) / given, 1 / given, (given,))
    plan = plan_frames(timeline, Trim.checked(start=0, end=None, **cut), NAME)
    return VideoClip.from_tensor(to_uint8(images[list(plan.indices)]), plan.fps, NAME)
