"""A VIDEO of the host's as a clip: its trim is kept, pictures in memory are taken as they are."""

from __future__ import annotations

from dataclasses import replace

from comfy_api.latest import InputImpl

from ...magicportrait_core.types import VideoClip
from ...magicportrait_core.video import open_video
from .frames_clip import frames_clip
from .sound import audio_source


def video_clip(video, **cut) -> VideoClip:
    """``cut`` as open_video takes it. Raises InputError where it leaves no frame."""
    if isinstance(video, InputImpl.VideoFromComponents):  # as a file it would be encoded again
        return _from_memory(video.get_components(), **cut)
    window = getattr(video, "get_active_trim_window", None)  # newer hosts trim without a new file
    start, length = window() if window is not None else (0.0, 0.0)
    end = start + length if length else None
    return open_video(video.get_stream_source(), start=start, end=end, **cut)


def _from_memory(parts, **cut) -> VideoClip:
    clip = frames_clip(parts.images, parts.frame_rate, **cut)
    if parts.audio is None:
        return clip
    skipped = cut.get("skip_frames", 0) / (clip.fps * cut.get("stride", 1))
    length = float(clip.frame_count / clip.fps)
    return replace(
        clip, audio=replace(audio_source(parts.audio), start=float(skipped), duration=length)
    )
