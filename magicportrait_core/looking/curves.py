"""What a face does over time, as numbers: head angles, mouth and eye opening."""

from __future__ import annotations

from dataclasses import dataclass

from torch import Tensor

from ..preview.canonical import head_frame
from ..preview.rotation import to_euler
from ..topology import (
    LEFT_EYE_OUTER,
    LEFT_LIDS,
    LIP_LOWER_INNER,
    LIP_UPPER_INNER,
    RIGHT_EYE_OUTER,
    RIGHT_LIDS,
)
from ..types import FaceTrack


@dataclass(frozen=True)
class Curves:
    """One value a frame, each (t,)."""

    yaw: Tensor  #: degrees, positive turns the nose to the picture's right
    pitch: Tensor  #: degrees, positive lifts the nose
    roll: Tensor  #: degrees, positive tilts the head clockwise in the picture
    mouth: Tensor  #: distance of the inner lips over that of the outer eye corners
    eyes: Tensor  #: openings of both eyes together over the same distance


def read_curves(track: FaceTrack) -> Curves:
    """Measure a track, distances in the picture's plane."""

    def apart(a: int, b: int) -> Tensor:
        return (track.landmarks[:, a, :2] - track.landmarks[:, b, :2]).norm(dim=-1)

    pose, _ = head_frame(track.landmarks)
    unit = apart(RIGHT_EYE_OUTER, LEFT_EYE_OUTER).clamp(min=1e-6)
    mouth = apart(LIP_UPPER_INNER, LIP_LOWER_INNER) / unit
    eyes = (apart(*RIGHT_LIDS) + apart(*LEFT_LIDS)) / unit
    return Curves(*to_euler(pose.rotation), mouth, eyes)
