"""What drives a portrait: a clip that is tracked, or a track made before."""

from __future__ import annotations

from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path

from .checks import check_range, check_type
from .errors import InputError
from .faces.networks import FaceNetworks
from .faces.tracker import track_faces
from .preview import MotionSettings
from .tracks import load_track
from .types import FaceTrack, Progress, VideoClip
from .video import open_video
from .weights.advice import command

TRACK_SUFFIX = ".safetensors"


@dataclass(frozen=True)
class FaceChoice:
    """Which face of a clip, and how calm its track is; see `faces.tracker.track_faces`."""

    face: str = "largest"
    index: int = 0  #: from 0
    smoothing: float = 0.5  #: 0..1


@dataclass(frozen=True)
class Trimming:
    """Which part of a clip, at which rate; see `video.open_video`."""

    fps: Fraction | float | None = None
    start: float = 0.0  #: seconds
    end: float | None = None  #: seconds
    stride: int = 1
    max_frames: int | None = None


def open_driver(
    driving: str | Path, face: FaceChoice | None, trim: Trimming | None
) -> VideoClip | FaceTrack:
    """A clip, or a finished track, which takes neither ``face`` nor ``trim``. Raises InputError."""
    check_type("face", face, FaceChoice)
    check_type("trim", trim, Trimming)
    if Path(driving).suffix.lower() != TRACK_SUFFIX:
        return open_clip(driving, trim)
    if (face or FaceChoice()) != FaceChoice() or (trim or Trimming()) != Trimming():
        raise InputError(
            f"{Path(driving).name} is a finished track: choose, smooth and trim when it is made, "
            f"with {command('track')}."
        )
    return load_track(driving)


def open_clip(video: str | Path, trim: Trimming | None) -> VideoClip:
    """`video.open_video` with its part of the clip."""
    check_type("trim", trim, Trimming)
    t = trim or Trimming()
    return open_video(
        video, fps=t.fps, start=t.start, end=t.end, stride=t.stride, max_frames=t.max_frames
    )


def follow(
    source: VideoClip | FaceTrack,
    face: FaceChoice | None,
    networks: FaceNetworks,
    progress: Progress,
) -> FaceTrack:
    """The face of a clip, tracked; a track as it is."""
    if isinstance(source, FaceTrack):
        return source
    c = face or FaceChoice()
    return track_faces(
        source, networks, face=c.face, face_index=c.index, smoothing=c.smoothing, progress=progress
    )


def check_neutral(settings: MotionSettings, source: VideoClip | FaceTrack) -> None:
    """Raise InputError where the neutral frame lies beyond the driver."""
    if settings.neutral_frame is not None:
        count = source.frame_count if isinstance(source, VideoClip) else len(source)
        check_range("neutral_frame", settings.neutral_frame, 0, count - 1)
