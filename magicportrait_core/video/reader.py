"""Open anything that moves as one lazy clip at a constant frame rate."""

from __future__ import annotations

import os
import warnings
from fractions import Fraction
from io import BytesIO
from pathlib import Path

from ..errors import MagicPortraitWarning
from ..types import AudioSource, VideoClip
from .container import MediaSource, as_source
from .decode import read_index
from .frames import ContainerFrames
from .images import open_pillow, picture_kind
from .pixels import GREY
from .stills import StillFrames, check_same_size, list_images, upright_size
from .timing import DEFAULT_RATE, Timeline, Trim, plan_frames
from .webp import AnimatedWebp, webp_timeline


def open_video(
    path: str | os.PathLike | BytesIO,
    *,
    fps: Fraction | float | None = None,
    start: float = 0.0,
    end: float | None = None,
    stride: int = 1,
    max_frames: int | None = None,
    skip_frames: int = 0,
    background: tuple[int, int, int] = GREY,
) -> VideoClip:
    """Open a video, GIF, animated WebP or PNG, a folder of pictures or one picture.

    Nothing but the first frame is decoded here; iterating the clip decodes, one frame at a time.
    Frames come upright with square pixels. Each iteration opens the file for itself and closes it
    when it ends or is dropped. Interlaced video is not deinterlaced and HDR not tone-mapped.

    Args:
        path: a file, a folder, or a file-like object, which is read whole.
        fps: frames per second of the clip. None keeps the source's (a source of varying rate gets
            its average), 25 for pictures. A source of another rate is resampled: each tick shows
            the latest frame of that time. For a folder it is the rate the pictures were made at.
        start, end: seconds from the first frame of the file; the clip is [start, end).
        stride: keep every nth frame; fps is divided by it, so time and sound stay right.
        max_frames: at most so many frames, counted last.
        skip_frames: frames left out after ``start``, counted before ``stride``.
        background: 0..255 RGB under transparent parts.

    Raises:
        InputError: missing, unreadable or damaged at its beginning, no video stream, nothing left
            after trimming, an option out of range.

    Warns:
        MagicPortraitWarning: the file breaks off or is damaged; says from which second on.
    """
    trim = Trim.checked(fps, start, end, stride, max_frames, skip_frames)
    source, name = as_source(path)
    if isinstance(source, Path) and source.is_dir():
        files = list_images(source)
        size = check_same_size(files)
        return _still_clip(files, [file.name for file in files], size, name, trim, background)
    kind = picture_kind(source, name)
    if kind == "animated webp":
        return _webp_clip(source, name, trim, background)
    if kind == "still":
        return _still_clip([source], [name], upright_size(source, name), name, trim, background)
    return _container_clip(source, name, trim, background)


def _still_clip(sources, names, size, name, trim: Trim, background) -> VideoClip:
    rate = trim.fps or DEFAULT_RATE
    times = tuple(i / rate for i in range(len(sources)))
    plan = plan_frames(Timeline(times, len(times) / rate, 1 / rate, (rate,)), trim, name)
    frames = StillFrames(sources, names, plan, rate, background)
    return VideoClip(frames, *size, plan.fps, len(plan.indices), None, name)


def _webp_clip(source: MediaSource, name: str, trim: Trim, background) -> VideoClip:
    data = source if isinstance(source, bytes) else source.read_bytes()
    timeline = webp_timeline(data)
    plan = plan_frames(timeline, trim, name)
    frames = AnimatedWebp(source, name, timeline, plan, background)
    with open_pillow(source, name) as image:
        height, width = image.height, image.width
    return VideoClip(frames, height, width, plan.fps, len(plan.indices), None, name)


def _container_clip(source: MediaSource, name: str, trim: Trim, background) -> VideoClip:
    index = read_index(source, name)
    plan = plan_frames(index.timeline, trim, name)
    frames = ContainerFrames(source, name, index, plan, background)
    first = next(iter(frames)).image
    count = len(plan.indices)
    audio = None
    if index.has_audio:
        audio = AudioSource(source, float(index.lead + plan.start), float(count / plan.fps))
    if index.breaks_off and plan.indices[-1] == len(index.pts) - 1:
        warnings.warn(
            f"{name} breaks off at {float(index.timeline.end):.2f} s, before its end: the "
            f"{count} frames up to there are used.",
            MagicPortraitWarning,
            stacklevel=3,
        )
    return VideoClip(frames, first.shape[1], first.shape[2], plan.fps, count, audio, name)
