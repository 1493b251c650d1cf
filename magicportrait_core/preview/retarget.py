"""A driver's performance put on a portrait of other proportions."""

from __future__ import annotations

import torch
from torch import Tensor

from ..topology import LEFT_BROW, MIRROR, MOUTH_LEFT, MOUTH_RIGHT, RIGHT_BROW
from ..types import FaceTrack
from .head import PortraitHead
from .motion import FaceMotion, MotionSettings
from .performance import Performance, read_performance
from .regions import EYE_CORNERS, LID_PAIRS, LIP_PAIRS, gaps, regions
from .rotation import turn_from

#: Measured on footage, output against driver by an independent tracker: the mesh nods and tilts
#: too far, a picture of limited relief shows nods by less than it shows turns, and lids and lips
#: of a warped picture are read as opening less than they do.
_PITCH_SHARE, _ROLL_SHARE = 0.66, 0.9
_LID_GAIN, _LIP_GAIN = 1.75, 1.2


def retarget(head: PortraitHead, driver: FaceTrack, settings: MotionSettings) -> FaceMotion:
    """The motion that makes ``head`` do what ``driver`` does, t frames."""
    driver = mirror_track(driver) if settings.mirror else driver
    acted = read_performance(driver, settings.neutral_frame)
    mouth = settings.expression * settings.mouth
    eyes = settings.expression * settings.eyes
    own_lips, own_lids = gaps(head.shape, LIP_PAIRS), _lid_openings(head.shape)
    lips = (
        acted.lips
        if settings.mode != "relative"
        else own_lips + _LIP_GAIN * _since_rest(acted.lips, acted)
    )
    lids = _lid_targets(head.shape, acted, settings.mode == "absolute")
    return FaceMotion(
        _turn(head, acted, settings),
        _expression(head, acted, settings),
        (own_lids + eyes * (lids - own_lids)).clamp(min=0),
        (own_lips + mouth * (lips - own_lips)).clamp(min=0),
        eyes * _since_rest(acted.gaze, acted),
    )


def mirror_track(track: FaceTrack) -> FaceTrack:
    """The track of the left-right flipped clip."""
    width = track.frame_size[1]
    landmarks = track.landmarks[:, MIRROR] * torch.tensor([-1.0, 1, 1])
    landmarks = landmarks + torch.tensor([width - 1.0, 0, 0])
    x0, y0, x1, y1 = track.boxes.unbind(1)
    boxes = torch.stack([width - 1 - x1, y0, width - 1 - x0, y1], 1)
    return FaceTrack(boxes, landmarks, track.scores, track.valid, track.frame_size, track.fps)


def _since_rest(values: Tensor, acted: Performance) -> Tensor:
    return values - values[acted.neutral]


def _turn(head: PortraitHead, acted: Performance, settings: MotionSettings) -> Tensor:
    own = head.pose.rotation[0]
    start = own if settings.mode == "absolute" else acted.rotation[acted.neutral]
    further, gain = head.flatness, settings.pose
    gains = (gain * further, gain * further**2 * _PITCH_SHARE, gain * _ROLL_SHARE)
    return turn_from(start, acted.rotation, own, gains)


def _expression(head: PortraitHead, acted: Performance, settings: MotionSettings) -> Tensor:
    size = _proportions(head.shape, acted.shape[acted.neutral])
    share = regions().mobility * _region_gain(settings) * size
    return _since_rest(acted.shape, acted) * share[:, None]


def _lid_openings(shape: Tensor) -> Tensor:
    return torch.stack([gaps(shape, pairs) for pairs in LID_PAIRS], -2)


def _lid_targets(portrait: Tensor, acted: Performance, absolute: bool) -> Tensor:
    """(t, 2, 7). Relative: half by the driver's distance, half by its share of the opening."""
    if absolute:
        rest = acted.shape[acted.neutral]
        width = torch.stack(
            [
                (portrait[a] - portrait[b]).norm() / (rest[a] - rest[b]).norm()
                for a, b in EYE_CORNERS
            ]
        )
        return acted.lids * width[:, None]
    own, wide = _lid_openings(portrait), acted.lids[acted.neutral]
    ratio = own.mean(1) / wide.mean(1).clamp(min=1e-3)
    return own + _LID_GAIN * _since_rest(acted.lids, acted) * ratio.clamp(0.5, 1.5).sqrt()[:, None]


def _proportions(portrait: Tensor, rest: Tensor) -> Tensor:
    """(478,) how large a motion of the driver is on the portrait's face.

    Brows move in proportion to their height over the eyes, the rest to how far below the eyes
    the mouth's corners lie: a smiling portrait has less way to go.
    """

    def height(shape: Tensor, above: tuple[int, ...], below: tuple[int, ...]) -> Tensor:
        return (shape[list(below), 1].mean() - shape[list(above), 1].mean()).clamp(min=0.05)

    eyes = tuple(point for pair in EYE_CORNERS for point in pair)
    brows, mouth = RIGHT_BROW[:5] + LEFT_BROW[:5], (MOUTH_RIGHT, MOUTH_LEFT)
    brow = height(portrait, brows, eyes) / height(rest, brows, eyes)
    lower = height(portrait, eyes, mouth) / height(rest, eyes, mouth)
    brow, lower = brow.clamp(0.6, 1.3), lower.clamp(0.7, 1.3)
    return lower + regions().brows * (brow - lower)


def _region_gain(settings: MotionSettings) -> Tensor:
    """(478,) the gains blended by region; points of no region take the expression gain."""
    parts = regions()
    weights = torch.stack([parts.mouth, parts.eyes, parts.brows])
    gains = torch.tensor([settings.mouth, settings.eyes, settings.brows])
    total = weights.sum(0)
    blended = (weights * gains[:, None]).sum(0) / total.clamp(min=1e-6)
    share = total.clamp(max=1)
    return settings.expression * (share * blended + (1 - share))
