"""Zero-phase smoothing in time: nothing lags, nothing leads.

Crops are smoothed by a Gaussian. Landmarks are smoothed by a bilateral filter: neighbours in
time count less the more the face moved between them, so noise on a still face averages out and
a blink keeps its depth. https://doi.org/10.1109/ICCV.1998.710815 (Tomasi and Manduchi).
"""

from __future__ import annotations

from itertools import pairwise

import torch
from torch import Tensor

from ..topology import LEFT_IRIS, NUM_LANDMARKS, RIGHT_IRIS, TRIANGLES

CROP_SECONDS = 0.08  #: standard deviation of the crop's Gaussian
CUT = 0.5  #: crop sides between two frames from which on it is a cut, not a motion
MAX_SECONDS = 0.16  #: standard deviation of the landmarks' Gaussian at strength 1
STILL = 0.008  #: motion, in inter-iris distances, that halves nothing yet; noise is below it


def runs(crops: Tensor) -> list[slice]:
    """Stretches of (t, 4) crops without a cut."""
    moved = (crops[1:, :2] - crops[:-1, :2]).norm(dim=-1)
    cut = moved > CUT * torch.maximum(crops[1:, 2], crops[:-1, 2])
    edges = [0, *(cut.nonzero()[:, 0] + 1).tolist(), len(crops)]
    return [slice(a, b) for a, b in pairwise(edges)]


def _extend(x: Tensor, reach: int) -> Tensor:
    """(t, ...) -> (t + 2 reach, ...) by odd reflection, which keeps a steady motion steady."""
    t = len(x)
    back = (torch.arange(reach, 0, -1)).clamp(max=t - 1)
    front = 2 * x[:1] - x[back]
    ahead = 2 * x[-1:] - x[(t - 1 - back).flip(0)]
    return torch.cat([front, x, ahead])


def smooth_crops(crops: Tensor, fps: float) -> Tensor:
    """Gaussian in time over one run of (t, 4) crops; angles must be unwrapped."""
    sigma = CROP_SECONDS * fps
    reach = max(1, round(3 * sigma))
    offsets = torch.arange(-reach, reach + 1, dtype=torch.float32)
    kernel = torch.exp(-0.5 * (offsets / sigma) ** 2)
    windows = _extend(crops, reach).unfold(0, 2 * reach + 1, 1)  # (t, 4, k)
    return windows @ (kernel / kernel.sum())


def _neighbours() -> Tensor:
    """(478, 478) rows that average each point with those joined to it; an iris with itself."""
    joined = torch.eye(NUM_LANDMARKS)
    for a, b in ((0, 1), (1, 2), (2, 0)):
        joined[TRIANGLES[:, a], TRIANGLES[:, b]] = 1
        joined[TRIANGLES[:, b], TRIANGLES[:, a]] = 1
    for iris in (RIGHT_IRIS, LEFT_IRIS):
        for point in iris:
            joined[point, list(iris)] = 1
    return joined / joined.sum(1, keepdim=True)


def smooth_landmarks(landmarks: Tensor, fps: float, strength: float) -> Tensor:
    """Bilateral in time over one run of (t, 478, 3); strength 0 (none) to 1."""
    sigma = strength * MAX_SECONDS * fps
    if sigma <= 0 or len(landmarks) < 2:
        return landmarks
    reach = max(1, round(2.5 * sigma))
    iris = (landmarks[:, RIGHT_IRIS[0]] - landmarks[:, LEFT_IRIS[0]])[:, :2].norm(dim=-1)
    still = (STILL * iris.median()).square().clamp(min=1e-12)
    around = _neighbours()
    longer = _extend(landmarks, reach)
    total, weights = torch.zeros_like(landmarks), landmarks.new_zeros(*landmarks.shape[:2], 1)
    for offset in range(-reach, reach + 1):
        there = longer[reach + offset : reach + offset + len(landmarks)]
        moved = (there - landmarks)[..., :2].square().sum(-1) @ around.T
        near = torch.tensor(-0.5 * (offset / sigma) ** 2)
        weight = torch.exp(near - 0.5 * moved / still)[..., None]
        total, weights = total + weight * there, weights + weight
    return total / weights
