"""What a plot shows of a track: its curves, and its mesh over pictures of the clip."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from fractions import Fraction

import torch
import torch.nn.functional as F
from torch import Tensor

from ..faces.overlay import draw_track
from ..flame.head_model import HeadModel
from ..flame.motion.neutral import find_neutral
from ..flame.motion.placing import in_frame, pivot_points, width_in_frame
from ..flame.motion.readout import head_angles, jaw_opening, openings
from ..preview.performance import read_performance
from ..types import FaceTrack, HeadTrack
from .curves import read_curves
from .mesh_overlay import MeshOverlay, Window, head_cover

#: (frame (3, h, w) uint8, its number, the square, px a side) -> (3, s, s) uint8
Draw = Callable[[Tensor, int, Window, int], Tensor]

YAW, PITCH, ROLL = "#3a6fd8", "#1b998b", "#e2912b"
JAW, MOUTH, EYES = "#8a5a2b", "#c2407c", "#6a4fb3"
_FINER = 2  #: a rendered mesh is drawn so much larger than it is shown


@dataclass(frozen=True)
class Line:
    """One curve."""

    name: str
    colour: str
    values: Tensor  #: (t,)


@dataclass(frozen=True)
class Panel:
    """Curves of one unit."""

    label: str
    lines: tuple[Line, ...]
    height: float = 1.0  #: beside the others'


@dataclass(frozen=True)
class Subject:
    """A track as a plot takes it."""

    panels: tuple[Panel, ...]
    valid: Tensor  #: (t,) bool, False where frames are interpolated
    fps: Fraction
    neutral: int  #: the frame that motion is measured from
    centres: Tensor  #: (t, 2) px, the middle of what thumbnails show
    side: float  #: px of the frame that they show
    draw: Draw

    def __len__(self) -> int:
        return len(self.valid)


def face_subject(track: FaceTrack) -> Subject:
    """A landmark track: angles, mouth and eyes, its mesh as lines."""
    curves = read_curves(track)
    boxes = track.boxes
    shown = boxes[track.valid]

    def draw(image: Tensor, frame: int, window: Window, side: int) -> Tensor:
        points = track.landmarks[frame, :, :2]
        points = points - torch.tensor([window.left - 0.5, window.top - 0.5])
        points = points * (side / window.width) - 0.5
        cut = window.cut(image[None], side, side)[0]
        return draw_track(cut, points, bool(track.valid[frame]))

    return Subject(
        (_turns(curves.yaw, curves.pitch, curves.roll), _mouth(curves.mouth), _eyes(curves.eyes)),
        track.valid, track.fps, read_performance(track).neutral,
        (boxes[:, :2] + boxes[:, 2:]) / 2,
        1.5 * float((shown[:, 2:] - shown[:, :2]).amax(1).median()),
        draw,
    )  # fmt: skip


def head_subject(track: HeadTrack, head: HeadModel) -> Subject:
    """A head track: angles, jaw, mouth and eyes as far as the model has them, its mesh rendered."""
    head.check(track.params, "this track's parameters")
    panels = [_turns(*head_angles(track))]
    if "jaw" in head.roles:
        panels.append(Panel("degrees", (Line("jaw", JAW, jaw_opening(track)),)))
    open_by = openings(track, head)
    if open_by is not None:
        panels += [_mouth(open_by.mouth), _eyes(open_by.eyes)]
    cover = head_cover(track, head)
    overlay = MeshOverlay(cover, track.frame_size, track.valid)

    def draw(image: Tensor, frame: int, window: Window, side: int) -> Tensor:
        cut = window.cut(image[None], side * _FINER, side * _FINER)
        drawn = overlay.draw(cut, [frame], window).float()
        return F.avg_pool2d(drawn, _FINER)[0].round().to(torch.uint8)

    eyed = any(role.endswith("_eye") for role in head.roles)
    middle = pivot_points(track.params, head, "head" if eyed else "root")
    return Subject(
        tuple(panels), track.valid, track.fps, find_neutral(track, head),
        in_frame(middle, track), 1.5 * float(width_in_frame(track, head)[track.valid].median()),
        draw,
    )  # fmt: skip


def _turns(yaw: Tensor, pitch: Tensor, roll: Tensor) -> Panel:
    lines = (Line("yaw", YAW, yaw), Line("pitch", PITCH, pitch), Line("roll", ROLL, roll))
    return Panel("degrees", lines, 2.3)


def _mouth(values: Tensor) -> Panel:
    return Panel("opening", (Line("mouth", MOUTH, values),))


def _eyes(values: Tensor) -> Panel:
    return Panel("opening", (Line("eyes", EYES, values),))
