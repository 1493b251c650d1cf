"""Zero-phase filters over time for what the engine reads from a driver."""

from __future__ import annotations

import torch
from scipy.ndimage import gaussian_filter1d
from torch import Tensor

from .canonical import HeadPose

#: Standard deviations in seconds.
_SKULL_SECONDS = 0.13
_FACE_SECONDS = 0.08
#: Motion faster than the filter passes where it is larger than this, in canonical units.
_NOISE = 0.01


def _gaussian(values: Tensor, sigma: float) -> Tensor:
    return torch.from_numpy(gaussian_filter1d(values.numpy(), sigma, axis=0, mode="nearest"))


def steady_pose(pose: HeadPose, fps: float) -> HeadPose:
    """A skull has inertia: what shakes faster than a tenth of a second is noise.

    Rotations are averaged as matrices and brought back to SO(3) by the polar decomposition.
    """
    sigma = _SKULL_SECONDS * fps
    u, _, vh = torch.linalg.svd(_gaussian(pose.rotation, sigma))
    return HeadPose(u @ vh, _gaussian(pose.scale, sigma), _gaussian(pose.center, sigma))


def steady_face(values: Tensor, fps: float) -> Tensor:
    """Calm what trembles, keep what moves: (t, ..., d) vectors in canonical units.

    Each vector is its Gaussian mean over time plus what is left of its departure from that mean
    after Wiener shrinkage by _NOISE: a blink departs far and passes whole, tremor does not.
    """
    slow = _gaussian(values, _FACE_SECONDS * fps)
    fast = values - slow
    power = fast.square().sum(-1, keepdim=True)
    return slow + fast * power / (power + _NOISE**2)
