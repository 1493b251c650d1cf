"""Which points of the face move with mouth, eyes and brows, and how far they may."""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache

import torch
from torch import Tensor

from ..topology import (
    LEFT_BROW,
    LEFT_EYE,
    LIPS_INNER,
    LIPS_OUTER,
    MOUTH_LEFT,
    MOUTH_RIGHT,
    RIGHT_BROW,
    RIGHT_EYE,
)
from .canonical import canonical_face

#: (upper lid, lower lid) from the corner on the picture's left: 7 pairs an eye
LID_PAIRS = (
    ((246, 7), (161, 163), (160, 144), (159, 145), (158, 153), (157, 154), (173, 155)),
    ((398, 382), (384, 381), (385, 380), (386, 374), (387, 373), (388, 390), (466, 249)),
)
#: (upper lip, lower lip) along the inner edge of the lips: 9 pairs
LIP_PAIRS = (
    *((191, 95), (80, 88), (81, 178), (82, 87), (13, 14)),
    *((312, 317), (311, 402), (310, 318), (415, 324)),
)
EYE_RINGS = (RIGHT_EYE, LEFT_EYE)
EYE_CORNERS = ((33, 133), (362, 263))
IRIS_CENTERS = (468, 473)


@dataclass(frozen=True)
class Regions:
    """Soft weights (478,), each 0..1."""

    mouth: Tensor  #: lips, jaw line and the cheeks beside them
    eyes: Tensor  #: lids and what folds round them
    brows: Tensor
    mobility: Tensor  #: how far expression may move a point at all: 0 on forehead, temples, nose


def falloff(points: tuple[int, ...], sigma: float) -> Tensor:
    """(478,) Gaussian of the distance to the nearest of ``points`` on the canonical face."""
    face = canonical_face()
    distance = torch.cdist(face, face[list(points)]).amin(1)
    return torch.exp(-(distance**2) / (2 * sigma**2))


@lru_cache(maxsize=1)
def regions() -> Regions:
    """Computed once from distances on the canonical face."""
    face = canonical_face()
    lips_y = face[list(LIPS_INNER), 1].mean()
    below_nose = torch.sigmoid((face[:, 1] - (lips_y - 0.16)) / 0.05)
    mouth = torch.maximum(falloff(LIPS_OUTER + LIPS_INNER, 0.12), below_nose)
    eyes = torch.maximum(falloff(RIGHT_EYE, 0.045), falloff(LEFT_EYE, 0.045))
    eyes[list(RIGHT_EYE + LEFT_EYE)] = 1
    brows = torch.maximum(falloff(RIGHT_BROW, 0.09), falloff(LEFT_BROW, 0.09)) * (1 - eyes)
    cheeks = falloff(LIPS_OUTER, 0.3) * torch.sigmoid((face[:, 1] - 0.25) / 0.06)
    # What lies on the side of the head is seen at a slant: its motion there is mostly noise.
    frontal = torch.sigmoid((0.3 - face[:, 2]) / 0.05)
    mobility = torch.stack([mouth, eyes, brows, cheeks]).amax(0) * frontal
    return Regions(mouth, eyes, brows, mobility)


@lru_cache(maxsize=1)
def jaw_weights() -> Tensor:
    """(478,) share of the jaw's rotation: 0 above the line of the mouth, 1 at the chin.

    Along the lower lip it grows from the corners to the middle; beside the mouth, where skin is
    whole, it changes softly across that line.
    """
    face = canonical_face()
    upper, lower = pair_indices(LIP_PAIRS)
    line = (face[upper, 1] + face[lower, 1]).mean() / 2
    half = (face[MOUTH_LEFT, 0] - face[MOUTH_RIGHT, 0]) / 2
    aside = ((face[:, 0] - face[list(LIPS_INNER), 0].mean()).abs() / half).clamp(max=2)
    along = 0.35 + 0.65 * smoothstep((1 - aside) / 0.5)
    below = face[:, 1] - line
    grown = along + (1 - along) * smoothstep(below / 0.25)
    soft = 0.004 + 0.07 * smoothstep((aside - 0.9) / 0.3)
    weight = grown * torch.sigmoid((below - soft) / soft)
    weight[upper], weight[lower] = 0, grown[lower]
    return weight


def smoothstep(value: Tensor) -> Tensor:
    """0 below 0, 1 above 1, smooth between: 3v^2 - 2v^3."""
    v = value.clamp(0, 1)
    return v * v * (3 - 2 * v)


def pair_indices(pairs: tuple[tuple[int, int], ...]) -> tuple[Tensor, Tensor]:
    """Pairs -> (upper indices, lower indices)."""
    table = torch.tensor(pairs)
    return table[..., 0], table[..., 1]


def gaps(shape: Tensor, pairs: tuple[tuple[int, int], ...]) -> Tensor:
    """Vertical opening of each pair: (..., 478, 3) canonical -> (..., pairs)."""
    upper, lower = pair_indices(pairs)
    return shape[..., lower, 1] - shape[..., upper, 1]


def _follow(points: Tensor, side: int, reach: float) -> Tensor:
    """(478, n): how the skin above (side -1) or below (1) ``points`` follows each of them.

    A row's sum is how far that point goes along, 0..1, falling off within ``reach``.
    """
    face = canonical_face()
    distance = torch.cdist(face[:, :2], face[points, :2])
    share = torch.exp(-((distance / 0.05) ** 2))
    share = share / share.sum(1, keepdim=True).clamp(min=1e-9)
    beyond = (face[:, 1] - face[points, 1].mean()) * side >= -0.03
    weight = share * (torch.exp(-((distance.amin(1) / reach) ** 2)) * beyond)[:, None]
    weight[points] = torch.eye(len(points))
    return weight


@lru_cache(maxsize=1)
def lip_follow() -> tuple[Tensor, Tensor]:
    """(478, 9) for the upper and the lower points of LIP_PAIRS."""
    upper, lower = pair_indices(LIP_PAIRS)
    above, below = _follow(upper, -1, 0.1), _follow(lower, 1, 0.1)
    above[lower], below[upper] = 0, 0
    return above, below


@lru_cache(maxsize=1)
def lid_follow() -> tuple[Tensor, Tensor]:
    """(2, 478, 7) for the upper and the lower points of LID_PAIRS, one eye each row.

    Skin between lid and brow comes along, or a closing lid would smear its lashes.
    """
    upper, lower = pair_indices(LID_PAIRS)
    above = torch.stack([_follow(points, -1, 0.09) for points in upper])
    below = torch.stack([_follow(points, 1, 0.06) for points in lower])
    for eye in (0, 1):
        above[eye, lower[eye]], below[eye, upper[eye]] = 0, 0
        for corner in EYE_CORNERS[eye]:
            above[eye, corner], below[eye, corner] = 0, 0
    return above, below
