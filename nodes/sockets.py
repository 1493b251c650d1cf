"""The pack's own socket types, one per kind of wire."""

from __future__ import annotations

from dataclasses import dataclass

from comfy_api.latest import io

from ..magicportrait_core.types import AudioSource, FaceTrack

#: carries a magicportrait_core VideoClip: lazy, nothing is decoded until somebody reads it
DrivingVideo = io.Custom("DRIVING_VIDEO")

#: carries a TrackedFace
FaceTrackSocket = io.Custom("FACE_TRACK")


@dataclass(frozen=True)
class TrackedFace:
    """A face's track, and the sound of the clip it was seen in."""

    track: FaceTrack
    audio: AudioSource | None  #: None: a silent clip
