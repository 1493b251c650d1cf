"""Zero-phase filters over time for what the engine reads from a driver, a shot at a time."""

from __future__ import annotations

import math
from itertools import pairwise

import torch
from scipy.ndimage import gaussian_filter1d
from torch import Tensor

from .canonical import HeadPose

#: Standard deviations in seconds.
_SKULL_SECONDS = 0.14
_FACE_SECONDS = 0.08
#: A jump of more than this between two frames, in canonical units, is a cut.
_CUT = 1.5
#: Motion faster than the filter passes where it is larger than this, in canonical units.
_NOISE = 0.01


def _gaussian(values: Tensor, sigma: float) -> Tensor:
    """(t, ...) Gaussian means; beyond its ends motion goes on as its mirror image through them.

    Holding the end frames instead would stop a turn that the clip ends in.
    """
    pad = min(len(values) - 1, math.ceil(4 * sigma))
    before = 2 * values[:1] - values[1 : pad + 1].flip(0)
    after = 2 * values[-1:] - values[len(values) - 1 - pad : -1].flip(0)
    padded = torch.cat([before, values, after]) if pad else values
    smooth = gaussian_filter1d(padded.numpy(), sigma, axis=0, mode="nearest")
    return torch.from_numpy(smooth[pad : pad + len(values)])


def shots(pose: HeadPose) -> list[slice]:
    """Stretches of frames without a cut: between two of them the head jumps by its own size."""
    moved = (pose.center[1:] - pose.center[:-1])[:, :2].norm(dim=1)
    cuts = (moved > _CUT * torch.minimum(pose.scale[1:], pose.scale[:-1])).nonzero()[:, 0] + 1
    edges = [0, *cuts.tolist(), len(pose.scale)]
    return [slice(a, b) for a, b in pairwise(edges)]


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
