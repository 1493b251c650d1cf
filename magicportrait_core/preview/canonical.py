"""The head's own frame: pose taken out of landmarks by weighted Procrustes.

Canonical axes: x to the picture's right, y down, z away from the camera, origin between the outer
eye corners; the unit is the distance between those corners. A landmark in px is
``scale * rotation @ point + center`` (weak perspective).
"""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor

from ..topology import LEFT_EYE_OUTER, RIGHT_EYE_OUTER, canonical_face, rigid_weights


@dataclass(frozen=True)
class HeadPose:
    """Weak-perspective pose of a head, one a frame."""

    rotation: Tensor  #: (t, 3, 3)
    scale: Tensor  #: (t,) px per canonical unit
    center: Tensor  #: (t, 3) px: where the canonical origin is seen

    def __getitem__(self, frames: slice) -> HeadPose:
        return HeadPose(self.rotation[frames], self.scale[frames], self.center[frames])

    def to_pixels(self, points: Tensor) -> Tensor:
        """Canonical points (t, n, 3) -> px (t, n, 3)."""
        turned = points @ self.rotation.transpose(-1, -2)
        return self.scale[:, None, None] * turned + self.center[:, None]

    def to_canonical(self, pixels: Tensor) -> Tensor:
        """Px (t, n, 3) -> canonical points (t, n, 3)."""
        return (pixels - self.center[:, None]) @ self.rotation / self.scale[:, None, None]


def fit_similarity(source: Tensor, target: Tensor, weights: Tensor) -> HeadPose:
    """The similarity that brings ``source`` (n, 3) nearest to each ``target`` (t, n, 3).

    Weighted least squares over rotation, scale and translation: Umeyama 1991,
    https://doi.org/10.1109/34.88573. weights is (n,), not negative.
    """
    w = (weights / weights.sum())[:, None]
    mean_source, mean_target = (source * w).sum(-2), (target * w).sum(-2)
    from_mean, to_mean = source - mean_source, target - mean_target[:, None]
    covariance = (to_mean * w).transpose(-1, -2) @ from_mean
    u, singular, vh = torch.linalg.svd(covariance)
    sign = torch.ones_like(singular)
    sign[:, 2] = torch.linalg.det(u @ vh).sign()  # a rotation, never a reflection
    rotation = u @ torch.diag_embed(sign) @ vh
    scale = (singular * sign).sum(-1) / (from_mean.square() * w).sum()
    center = mean_target - scale[:, None] * (rotation @ mean_source)
    return HeadPose(rotation, scale, center)


def head_frame(landmarks: Tensor) -> tuple[HeadPose, Tensor]:
    """Landmarks in px (t, 478, 3) -> pose and canonical shapes (t, 478, 3).

    The first fit is to the mean face of all people, the second to this person's own mean over
    the clip, so that a long nose is not read as a turned head.
    """
    weights = rigid_weights()
    pose = fit_similarity(canonical_face(), landmarks, weights)
    own = pose.to_canonical(landmarks).mean(0)
    if len(landmarks) > 1:
        own = fit_similarity(canonical_face(), own[None], weights).to_canonical(own[None])[0]
    corners = own[RIGHT_EYE_OUTER], own[LEFT_EYE_OUTER]
    own = (own - (corners[0] + corners[1]) / 2) / (corners[0] - corners[1]).norm()
    pose = fit_similarity(own, landmarks, weights)
    return pose, pose.to_canonical(landmarks)
