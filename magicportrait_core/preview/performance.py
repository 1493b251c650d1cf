"""What a driver does: read once from its track, in its head's own axes."""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor

from ..errors import InputError
from ..topology import LEFT_BROW, RIGHT_BROW
from ..types import FaceTrack
from .canonical import HeadPose, head_frame
from .regions import EYE_CORNERS, IRIS_CENTERS, LID_PAIRS, LIP_PAIRS, gaps, pair_indices
from .rotation import to_euler
from .steady import shots, steady_face, steady_pose


@dataclass(frozen=True)
class Performance:
    """A driver's motion, t frames. Lengths are canonical units (see canonical.py)."""

    rotation: Tensor  #: (t, 3, 3) head pose
    shape: Tensor  #: (t, 478, 3)
    lids: Tensor  #: (t, 2, 7) opening between the lids
    lips: Tensor  #: (t, 9) opening between the inner lips
    gaze: Tensor  #: (t, 2, 2) iris centre from the middle of the eye's corners
    neutral: int  #: the frame from which relative motion is measured


def read_performance(track: FaceTrack, neutral_frame: int | None = None) -> Performance:
    """Read a driver's track; neutral_frame None chooses the frame nearest to rest."""
    if neutral_frame is not None and not 0 <= neutral_frame < len(track):
        raise InputError(f"neutral_frame must be 0 to {len(track) - 1}, got {neutral_frame}")
    fps = float(track.fps)
    pose, shape = head_frame(track.landmarks)
    lids = torch.stack([_seen_gaps(track.landmarks, pose, pairs) for pairs in LID_PAIRS], 1)
    lips = _seen_gaps(track.landmarks, pose, LIP_PAIRS)
    stretches = shots(pose)
    rotation = torch.cat([steady_pose(pose[shot], fps).rotation for shot in stretches])
    if neutral_frame is None:
        neutral_frame = choose_neutral(rotation, shape, track.valid)
    read = (shape, lids, lips, gaze_of(shape))
    calm = [torch.cat([steady_face(v[shot], fps) for shot in stretches]) for v in read]
    return Performance(rotation, *calm, neutral_frame)


def choose_neutral(rotation: Tensor, shape: Tensor, valid: Tensor) -> int:
    """The frame nearest to rest: mouth closed, eyes open, brows as usual, little rotation.

    rotation (t, 3, 3) and shape (t, 478, 3) as head_frame gives them. Interpolated frames are
    never chosen.
    """
    lips = gaps(shape, LIP_PAIRS).mean(1).clamp(min=0)
    lids = gaps(shape, LID_PAIRS[0]).mean(1) + gaps(shape, LID_PAIRS[1]).mean(1)
    brows = shape[:, list(RIGHT_BROW + LEFT_BROW), 1].mean(1)
    yaw, pitch, roll = to_euler(rotation)
    cost = lips / 0.03 + (lids - lids[valid].quantile(0.7)).abs() / 0.03
    cost = cost + (brows - brows[valid].median()).abs() / 0.02
    cost = cost + yaw.abs() / 10 + (pitch - pitch[valid].median()).abs() / 8 + roll.abs() / 8
    return int(cost.masked_fill(~valid, torch.inf).argmin())


def gaze_of(shape: Tensor) -> Tensor:
    """(..., 478, 3) -> (..., 2, 2): iris centre from the middle of the eye's corners."""
    eyes = []
    for iris, (a, b) in zip(IRIS_CENTERS, EYE_CORNERS, strict=True):
        eyes.append(shape[..., iris, :2] - (shape[..., a, :2] + shape[..., b, :2]) / 2)
    return torch.stack(eyes, -2)


def _seen_gaps(landmarks: Tensor, pose: HeadPose, pairs: tuple[tuple[int, int], ...]) -> Tensor:
    """Openings (t, pairs) as the picture shows them, along the head's own vertical.

    Depth plays no part: the mesh knows it least, and lips seen from the side would seem ajar.
    """
    upper, lower = pair_indices(pairs)
    vertical = pose.rotation[:, :2, 1:2]
    vertical = vertical / vertical.square().sum(1, keepdim=True)
    apart = (landmarks[:, lower, :2] - landmarks[:, upper, :2]) @ vertical
    return apart[..., 0] / pose.scale[:, None]
