"""The portrait's head as a thing that can be moved: its rest shape, pose and pivot."""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor

from ..topology import CHIN, NOSE_BASE, NOSE_BRIDGE
from ..types import FaceTrack
from .canonical import HeadPose, canonical_face, head_frame, rigid_weights
from .motion import FaceMotion
from .regions import LID_PAIRS, LIP_PAIRS, falloff, gaps, lid_follow, lip_follow, pair_indices

_EARS = (234, 454)
_STEEPEST = 2.2  #: depth over distance in the picture


@dataclass(frozen=True)
class PortraitHead:
    """One portrait's head. Build it with from_track."""

    pose: HeadPose  #: t = 1
    shape: Tensor  #: (478, 3) canonical
    pivot: Tensor  #: (3,) canonical: where the skull turns on the neck
    landmarks: Tensor  #: (478, 3) px at rest
    flatness: float  #: >= 1: how much further it must turn to show the parallax of a true face

    @staticmethod
    def from_track(track: FaceTrack) -> PortraitHead:
        landmarks = _relax_depth(_clear_lips(track.landmarks[0]))
        flatness = _flatness(track.landmarks[0, :, 2], landmarks[:, 2])
        pose, shape = head_frame(landmarks[None])
        face = canonical_face()
        ears = face[list(_EARS)].mean(0)
        pivot = torch.tensor([0.0, ears[1] + 0.6 * (face[CHIN, 1] - ears[1]), ears[2]])
        return PortraitHead(pose, shape[0], pivot, landmarks, flatness)

    def turn(self, points: Tensor, rotation: Tensor) -> Tensor:
        """Canonical points (t or 1, n, 3) with the head turned by (t, 3, 3) -> px (t, n, 3)."""
        turned = (points - self.pivot) @ rotation.transpose(-1, -2) + self.pivot
        own = self.pose.rotation[0]
        return self.pose.scale * (turned @ own.T) + self.pose.center[:, None]

    def deform(self, motion: FaceMotion) -> Tensor:
        """The face's shape under ``motion``, head unturned: (t, 478, 3) canonical."""
        return _set_lips(_set_lids(self.shape + motion.offset, motion.lid_gap), motion.lip_gap)


def _relax_depth(landmarks: Tensor) -> Tensor:
    """Limit how steeply the face falls away towards its sides, (478, 3) px.

    Where a surface is seen edge-on the portrait shows almost none of it, and turning it into
    view would stretch those few pixels into bars. Each point comes forward until no slope to
    one nearer the camera exceeds _STEEPEST; x and y stay. The nose keeps its relief: it stands
    in front, and what it hides is hidden by depth.
    """
    base = falloff(NOSE_BRIDGE + NOSE_BASE, 0.1) < 0.5
    reach = torch.cdist(landmarks[:, :2], landmarks[base, :2]) * _STEEPEST
    depth = torch.minimum(landmarks[:, 2], (landmarks[base, 2] + reach).amin(1))
    return torch.cat([landmarks[:, :2], depth[:, None]], 1)


def _clear_lips(landmarks: Tensor) -> Tensor:
    """Move the edges of parted lips a pixel outwards, (478, 3) px.

    The pixels on the edge show some of the teeth, and lips must not carry them along.
    """
    upper, lower = pair_indices(LIP_PAIRS)
    apart = landmarks[lower, :2] - landmarks[upper, :2]
    opening = apart.norm(dim=1, keepdim=True)
    step = apart / opening.clamp(min=1e-3) * (opening / 4).clamp(max=1)
    cleared = landmarks.clone()
    cleared[upper, :2] -= 0.5 * step
    cleared[lower, :2] += 1.2 * step
    return cleared


def _flatness(true: Tensor, relaxed: Tensor) -> float:
    """The slope of a regression of true depths (478,) on relaxed ones, over the skull's points."""
    w = rigid_weights() / rigid_weights().sum()
    true, relaxed = true - (w * true).sum(), relaxed - (w * relaxed).sum()
    slope = (w * true * relaxed).sum() / (w * relaxed.square()).sum().clamp(min=1e-6)
    return float(slope.clamp(1, 1.4))


def _set_lids(shape: Tensor, gap: Tensor) -> Tensor:
    """Bring the lids ``gap`` (t, 2, 7) apart; the upper lid goes nearly all of the way."""
    above, below = lid_follow()
    step = gap - torch.stack([gaps(shape, pairs) for pairs in LID_PAIRS], -2)
    moved = shape.clone()
    moved[..., 1] += torch.einsum("tek,evk->tv", 0.15 * step, below)
    moved[..., 1] -= torch.einsum("tek,evk->tv", 0.85 * step, above)
    return moved


def _set_lips(shape: Tensor, gap: Tensor) -> Tensor:
    """Bring the inner lips ``gap`` (t, 9) apart, the lower a little further than the upper."""
    upper, lower = lip_follow()
    step = gap - gaps(shape, LIP_PAIRS)
    parted = shape.clone()
    parted[..., 1] += (0.6 * step) @ lower.T - (0.4 * step) @ upper.T
    return parted
