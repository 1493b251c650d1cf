"""What a driver does, read from its track and put on a portrait."""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor

from ..checks import check_choice, check_range
from ..errors import InputError
from ..topology import LEFT_BROW, MIRROR, RIGHT_BROW
from ..types import FaceTrack
from .canonical import head_frame
from .regions import EYE_CORNERS, IRIS_CENTERS, LID_PAIRS, LIP_PAIRS, gaps, pair_indices, regions
from .rotation import scale_and_ease, to_euler

MODES = ("relative", "absolute_mouth", "absolute")


@dataclass(frozen=True)
class MotionSettings:
    """How much of the driver reaches the portrait.

    relative: everything is measured from the driver's neutral frame, so the portrait keeps its
    own rest pose and smile. absolute_mouth: the mouth opens and closes as far as the driver's,
    so a smiling portrait can close its mouth. absolute: head pose and lids too.
    """

    pose: float = 1.0  #: gain, 0..2
    expression: float = 1.0  #: gain over all of the face, 0..2
    mouth: float = 1.0
    eyes: float = 1.0
    brows: float = 1.0
    mode: str = "relative"
    neutral_frame: int | None = None  #: None: chosen by choose_neutral
    mirror: bool = False  #: the portrait moves as in a mirror

    def __post_init__(self) -> None:
        check_choice("mode", self.mode, MODES)
        for name in ("pose", "expression", "mouth", "eyes", "brows"):
            check_range(f"gain {name}", getattr(self, name), 0, 2)


@dataclass(frozen=True)
class FaceMotion:
    """Motion of one portrait, in its canonical frame (see canonical.py)."""

    rotation: Tensor  #: (t, 3, 3) turn of the head from the portrait's own pose, head axes
    offset: Tensor  #: (t, 478, 3) expression, canonical units
    lid_gap: Tensor  #: (t, 2, 7) opening between the lids, canonical units, >= 0
    gaze: Tensor  #: (t, 2, 2) shift of each iris, canonical units

    def __len__(self) -> int:
        return self.offset.shape[0]

    def __getitem__(self, frames: slice) -> FaceMotion:
        fields = (self.rotation, self.offset, self.lid_gap, self.gaze)
        return FaceMotion(*(f[frames] for f in fields))


def mirror_track(track: FaceTrack) -> FaceTrack:
    """The track of the left-right flipped clip."""
    width = track.frame_size[1]
    landmarks = track.landmarks[:, MIRROR] * torch.tensor([-1.0, 1, 1])
    landmarks = landmarks + torch.tensor([width - 1.0, 0, 0])
    x0, y0, x1, y1 = track.boxes.unbind(1)
    boxes = torch.stack([width - 1 - x1, y0, width - 1 - x0, y1], 1)
    return FaceTrack(boxes, landmarks, track.scores, track.valid, track.frame_size, track.fps)


def choose_neutral(rotation: Tensor, shape: Tensor, valid: Tensor) -> int:
    """The frame nearest to rest: mouth closed, eyes open, brows as usual, little rotation.

    rotation (t, 3, 3) and shape (t, 478, 3) as head_frame gives them. Interpolated frames are
    never chosen.
    """
    lips = gaps(shape, LIP_PAIRS).mean(1).clamp(min=0)
    lids = gaps(shape, LID_PAIRS[0]).mean(1) + gaps(shape, LID_PAIRS[1]).mean(1)
    usual = lids[valid].quantile(0.7)
    brows = shape[:, list(RIGHT_BROW + LEFT_BROW), 1].mean(1)
    yaw, pitch, roll = to_euler(rotation)
    cost = lips / 0.03 + (lids - usual).abs() / 0.03
    cost = cost + (brows - brows[valid].median()).abs() / 0.02
    cost = cost + yaw.abs() / 10 + (pitch - pitch[valid].median()).abs() / 8 + roll.abs() / 8
    return int(cost.masked_fill(~valid, torch.inf).argmin())


def _gaze(shape: Tensor) -> Tensor:
    """(t, 478, 3) -> (t, 2, 2): iris centre from the middle of the eye's corners."""
    eyes = []
    for iris, (outer, inner) in zip(IRIS_CENTERS, EYE_CORNERS, strict=True):
        eyes.append(shape[..., iris, :2] - (shape[..., outer, :2] + shape[..., inner, :2]) / 2)
    return torch.stack(eyes, -2)


def _lid_openings(shape: Tensor) -> Tensor:
    return torch.stack([gaps(shape, pairs) for pairs in LID_PAIRS], -2)


def closed_lips(shape: Tensor) -> Tensor:
    """Offset (478, 3) that brings the inner lips of ``shape`` (478, 3) together.

    The lower lip does the greater part of the way; the skin beside each lip follows.
    """
    upper, lower = pair_indices(LIP_PAIRS)
    gap = gaps(shape, LIP_PAIRS).clamp(min=0)
    offset = torch.zeros_like(shape)
    for points, step in ((upper, 0.4 * gap), (lower, -0.6 * gap)):
        side = torch.sign(step.sum()) if step.abs().sum() > 0 else 0.0
        same_side = (shape[:, 1] - shape[points, 1].mean()) * -side >= -0.02
        distance = torch.cdist(shape[:, :2], shape[points, :2])
        weight = torch.exp(-((distance / 0.06) ** 2))
        near = torch.exp(-((distance.amin(1) / 0.1) ** 2)) * same_side
        pull = (weight * step).sum(1) / weight.sum(1).clamp(min=1e-6) * near
        pull[points] = step
        offset[:, 1] += pull
    return offset


def retarget(
    portrait: Tensor, portrait_rotation: Tensor, driver: FaceTrack, settings: MotionSettings
) -> FaceMotion:
    """Put the driver's motion on a portrait.

    portrait (478, 3) is its canonical shape, portrait_rotation (3, 3) its own pose.
    """
    if settings.mirror:
        driver = mirror_track(driver)
    pose, shape = head_frame(driver.landmarks)
    neutral = settings.neutral_frame
    if neutral is None:
        neutral = choose_neutral(pose.rotation, shape, driver.valid)
    elif not 0 <= neutral < len(driver):
        raise InputError(f"neutral_frame must be 0 to {len(driver) - 1}, got {neutral}")
    rest = shape[neutral]
    absolute = settings.mode == "absolute"

    start = portrait_rotation if absolute else pose.rotation[neutral]
    rotation = scale_and_ease(start.T @ pose.rotation, settings.pose)

    parts = regions()
    gain = _region_gain(settings)
    offset = (shape - rest) * (parts.mobility * gain)[:, None]
    if settings.mode != "relative":
        offset = (
            offset
            + (closed_lips(portrait) - closed_lips(rest)) * settings.expression * settings.mouth
        )

    eyes = settings.eyes * settings.expression
    own, opened, wide = _lid_openings(portrait), _lid_openings(shape), _lid_openings(rest)
    if absolute:
        own_width, rest_width = _eye_width(portrait), _eye_width(rest)
        target = opened * (own_width / rest_width)[:, None]
    else:
        amplitude = (own.mean(1) / wide.mean(1)).clamp(0.5, 1.5)[:, None] ** LID_EXPONENT
        target = own + (opened - wide) * amplitude
    lid_gap = (own + (target - own) * eyes).clamp(min=0)
    gaze = (_gaze(shape) - _gaze(rest)) * eyes
    return FaceMotion(rotation, offset, lid_gap, gaze)


#: 0: lids move by the driver's distance; 1: by the driver's share of the opening
LID_EXPONENT = 0.5


def _eye_width(shape: Tensor) -> Tensor:
    return torch.stack([(shape[a] - shape[b]).norm() for a, b in EYE_CORNERS])


def _region_gain(settings: MotionSettings) -> Tensor:
    """(478,) the gains blended by region; points of no region take the expression gain."""
    parts = regions()
    weights = torch.stack([parts.mouth, parts.eyes, parts.brows])
    gains = torch.tensor([settings.mouth, settings.eyes, settings.brows])
    total = weights.sum(0)
    blended = (weights * gains[:, None]).sum(0) / total.clamp(min=1e-6)
    share = total.clamp(max=1)
    return settings.expression * (share * blended + (1 - share))
