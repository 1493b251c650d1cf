"""The pack's own socket types, one per kind of wire."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from comfy_api.latest import io
from torch import Tensor

from ..magicportrait_core.motion.pipeline import HeadFiles
from ..magicportrait_core.motion.track_views import View
from ..magicportrait_core.types import (
    AudioSource,
    FaceTrack,
    GeometryMaps,
    LandmarkMotion,
    MotionTrack,
)

#: carries a magicportrait_core VideoClip: lazy, nothing is decoded until somebody reads it
DrivingVideo = io.Custom("DRIVING_VIDEO")

#: carries a TrackedFace
FaceTrackSocket = io.Custom("FACE_TRACK")

#: carries a LoadedHead
HeadSocket = io.Custom("HEAD_MODEL")

#: carries a Motion
MotionSocket = io.Custom("MOTION_TRACK")

#: carries Maps
MapsSocket = io.Custom("GEOMETRY_MAPS")

#: carries a nodes.reference.Reference: the reference UNet and the three guidance encoders
ReferenceSocket = io.Custom("MAGICPORTRAIT_REFERENCE")


@dataclass(frozen=True)
class TrackedFace:
    """A face's track, and the sound of the clip it was seen in."""

    track: FaceTrack
    audio: AudioSource | None  #: None: a silent clip
    #: the clip to look at, "frame" and "mesh"; empty where a maker of tracks knows none
    views: Mapping[str, View] = field(default_factory=dict)


@dataclass(frozen=True)
class LoadedHead(HeadFiles):
    """A head model, where the files that go with it lie, and which tracker to take."""

    tracker: str  #: what FLAME Track's auto takes: "auto", "deca_smirk" or "landmark_fit"


@dataclass(frozen=True)
class Motion:
    """A portrait and the head, or the face mesh alone, that drives it."""

    track: MotionTrack | LandmarkMotion
    head: LoadedHead | None  #: None: landmarks only
    size: tuple[int, int]  #: (h, w) px of the portrait crop, which maps and latents keep
    audio: AudioSource | None  #: the driver's
    source: Tensor  #: (1, h, w, c) the IMAGE that the portrait was cut from, for PasteBack
    #: the driver to look at, as a TrackedFace's
    views: Mapping[str, View] = field(default_factory=dict)

    @property
    def approximate(self) -> bool:
        """Whether its maps are of a face mesh, which the diffusion model never saw."""
        return self.head is None


@dataclass(frozen=True)
class Maps:
    """The maps of a clip, rendered when they are asked for."""

    maps: GeometryMaps
    audio: AudioSource | None  #: the driver's, for Decode Video
    approximate: bool = False  #: of a face mesh: Face Motion Fusion warns
