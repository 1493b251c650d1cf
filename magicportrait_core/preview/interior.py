"""What lies behind lids and lips: eyeballs that keep their place, teeth, a dark cavity."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor

from ..topology import LIPS_INNER, LIPS_OUTER
from .head import PortraitHead
from .motion import FaceMotion
from .painting import paint_behind, paint_cavity, paint_skin
from .regions import EYE_CORNERS, EYE_RINGS, LIP_PAIRS, gaps

#: The three holes of the face, in the order every tensor here uses.
HOLES = (*EYE_RINGS, LIPS_INNER)
#: Canonical units over which teeth fade into the cavity beyond what the portrait shows.
_TEETH_FADE = 0.05
#: A gaze may shift an iris by this share of the eye's width.
_GAZE_LIMIT = 0.16


def _edges(hole: int) -> tuple[list[int], list[int]]:
    """Upper and lower edge of a hole, both from the corner on one side to the other's."""
    ring = HOLES[hole]
    n, start = len(ring), 5 if hole == 2 else 0  # LIPS_INNER starts in its upper middle
    lower = [ring[(start + i) % n] for i in range(n // 2 + 1)]
    upper = [ring[(start - i) % n] for i in range(n // 2 + 1)]
    return upper, lower


def _strips() -> list[tuple[list[int], list[int]]]:
    """(upper, lower) points of each hole that face each other, corners left out."""
    return [(upper[1:-1], lower[1:-1]) for upper, lower in map(_edges, range(len(HOLES)))]


def hole_triangles() -> tuple[Tensor, Tensor]:
    """Triangles (f, 3) that close the holes, and the hole (f,) 0..2 each belongs to."""
    triangles, owner = [], []
    for hole in range(len(HOLES)):
        upper, lower = _edges(hole)
        for i in range(len(upper) - 1):
            pair = [(upper[i], lower[i], lower[i + 1]), (upper[i], lower[i + 1], upper[i + 1])]
            kept = [t for t in pair if len(set(t)) == 3]
            triangles += kept
            owner += [hole] * len(kept)
    return torch.tensor(triangles), torch.tensor(owner)


@dataclass(frozen=True)
class Interior:
    """What is seen in the holes and what closes them. Build it with from_portrait."""

    behind: Tensor  #: (3, h, w) float 0..1: eyes and mouth, going on under lids and lips
    skin: Tensor  #: (3, h, w) float 0..1: lids and lips, going on over the holes
    eye_centers: Tensor  #: (2, 2) px at rest
    eye_widths: Tensor  #: (2,) canonical

    @staticmethod
    def from_portrait(portrait: Tensor, head: PortraitHead) -> Interior:
        behind = portrait.permute(1, 2, 0).numpy().copy()
        skin = behind.copy()
        unit = float(head.pose.scale[0])
        outlines = [head.landmarks[list(ring), :2].numpy() for ring in HOLES]
        for outline in outlines:
            paint_skin(skin, outline)
        lower = head.landmarks[_edges(2)[1], :2].numpy()
        shown = float(gaps(head.shape, LIP_PAIRS).mean().clamp(0, _TEETH_FADE))
        down = torch.nn.functional.normalize(head.pose.rotation[0, :2, 1], dim=0)
        paint_behind(behind, outlines[2], 0.4 * unit)
        color = _cavity_color(portrait, head)
        paint_cavity(behind, lower, 0.4 * unit, color, shown * unit, tuple(down.tolist()))
        original = portrait.permute(1, 2, 0).numpy()
        for outline in outlines[:2]:  # a tilted head's mouth may have reached them
            paint_behind(original, outline, 0.15 * unit, onto=behind)
        corners = torch.tensor(EYE_CORNERS)
        return Interior(
            torch.from_numpy(behind).permute(2, 0, 1),
            torch.from_numpy(skin).permute(2, 0, 1),
            head.landmarks[corners, :2].mean(1),
            (head.shape[corners[:, 0]] - head.shape[corners[:, 1]]).norm(dim=1),
        )

    def sources(self, head: PortraitHead, shape: Tensor) -> Tensor:
        """Where on ``behind`` each ring point looks, for moved shapes (t, 478, 3): px (t, 478, 2).

        Eyeballs and teeth keep their place in the skull while lids and lips slide over them: a
        ring point looks at the place of the skull it lies over. Where it opens beyond what the
        portrait shows, the eye is stretched to it and the teeth hang from the upper lip.
        """
        over = head.shape.expand_as(shape).clone()
        for hole, (upper, lower) in enumerate(_strips()):
            rest_top, rest_bottom = head.shape[upper, 1], head.shape[lower, 1]
            top = torch.maximum(shape[:, upper, 1], rest_top)
            if hole < 2:
                bottom = torch.minimum(shape[:, lower, 1], rest_bottom)
                top = torch.minimum(top, bottom)
            else:
                bottom = top + (shape[:, lower, 1] - shape[:, upper, 1])
            over[:, upper, 1], over[:, lower, 1] = top, bottom
        return head.turn(over, torch.eye(3)[None])[..., :2]

    def gaze(self, head: PortraitHead, motion: FaceMotion) -> Tensor:
        """Shift of each iris on ``behind``: (t, 2, 2) px, bounded so that it stays in the eye."""
        limit = _GAZE_LIMIT * self.eye_widths[:, None]
        bounded = limit * (motion.gaze / limit).tanh()
        return head.pose.scale * bounded @ head.pose.rotation[0, :2, :2].T


def _cavity_color(portrait: Tensor, head: PortraitHead) -> np.ndarray:
    """(3,) a dark tone of the lips' own colour."""
    _, height, width = portrait.shape
    lips = head.landmarks[list(LIPS_OUTER), :2].round().long()
    x, y = lips[:, 0].clamp(0, width - 1), lips[:, 1].clamp(0, height - 1)
    tone = portrait[:, y, x].median(1).values
    return (tone * torch.tensor([0.26, 0.17, 0.17])).numpy()
