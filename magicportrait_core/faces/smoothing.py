"""Zero-phase smoothing in time: nothing lags, nothing leads.

A bilateral filter: neighbours in time count less the more the face moved between them, so noise
on a still face averages out, while a turn of the head is followed and a blink keeps its depth.
https://doi.org/10.1109/ICCV.1998.710815 (Tomasi and Manduchi).
"""

from __future__ import annotations

from collections.abc import Callable
from itertools import pairwise

import torch
from torch import Tensor

from ..topology import LEFT_IRIS, NUM_LANDMARKS, RIGHT_IRIS, TRIANGLES

CUT = 0.5  #: crop sides between two frames from which on it is a cut, not a motion
#: standard deviation in time of the crops' filter. Long, for what is left of a crop's noise moves
#: slowly, as a head does, and the mesh with it; how far a crop follows is CROP_MOTION's.
CROP_SECONDS = 1.0
CROP_MOTION = (0.025, 0.025, 0.04, 0.02)  #: the same in x, y, side (crop sides) and radians
LANDMARK_SECONDS = 0.16  #: in time, at strength 1
LANDMARK_MOTION = 0.008  #: in inter-iris distances; the network's own noise is below it


def runs(crops: Tensor) -> list[slice]:
    """Stretches of (t, 4) crops without a cut."""
    moved = (crops[1:, :2] - crops[:-1, :2]).norm(dim=-1)
    cut = moved > CUT * torch.maximum(crops[1:, 2], crops[:-1, 2])
    edges = [0, *(cut.nonzero()[:, 0] + 1).tolist(), len(crops)]
    return [slice(a, b) for a, b in pairwise(edges)]


def smooth_crops(crops: Tensor, fps: float) -> Tensor:
    """Smooth one run of (t, 4) crops; angles must be unwrapped."""
    sides = crops[:, 2].median()
    scale = torch.tensor(CROP_MOTION) * torch.stack([sides, sides, sides, torch.ones(())])

    def moved(there: Tensor, here: Tensor) -> Tensor:
        return ((there - here) / scale).square().sum(-1, keepdim=True)

    return _bilateral(crops, CROP_SECONDS * fps, moved)


def smooth_landmarks(landmarks: Tensor, fps: float, strength: float) -> Tensor:
    """Smooth one run of (t, 478, 3) landmarks; strength 0 (none) to 1."""
    if strength == 0 or len(landmarks) < 2:
        return landmarks
    iris = (landmarks[:, RIGHT_IRIS[0]] - landmarks[:, LEFT_IRIS[0]])[:, :2].norm(dim=-1)
    scale = (LANDMARK_MOTION * iris.median()).clamp(min=1e-6)
    around = _neighbours()

    def moved(there: Tensor, here: Tensor) -> Tensor:
        squared = ((there - here)[..., :2] / scale).square().sum(-1)
        return (squared @ around.T)[..., None]

    return _bilateral(landmarks, strength * LANDMARK_SECONDS * fps, moved)


def _bilateral(x: Tensor, sigma: float, moved: Callable[[Tensor, Tensor], Tensor]) -> Tensor:
    """(t, ...) weighted means over time, ``sigma`` frames wide; the window is cut at the ends.

    ``moved(there, here)``: squared motion in standard deviations, broadcastable to x.
    """
    total, weights = x.clone(), torch.ones_like(x)
    for offset in range(1, min(len(x), round(2.5 * sigma) + 1)):
        early, late = x[:-offset], x[offset:]
        weight = torch.exp(-0.5 * ((offset / sigma) ** 2 + moved(late, early)))
        total[:-offset] += weight * late
        total[offset:] += weight * early
        weights[:-offset] += weight
        weights[offset:] += weight
    return total / weights


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
