"""A face posed by hand: degrees and shares instead of a driver."""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor

from ..checks import check_range
from ..topology import MOUTH_LEFT, MOUTH_RIGHT
from .canonical import canonical_face
from .head import PortraitHead
from .motion import FaceMotion
from .regions import LID_PAIRS, LIP_PAIRS, gaps, jaw_weights, regions
from .rotation import from_euler

#: name: (lowest, highest)
SLIDER_RANGES = {
    "yaw": (-25.0, 25.0),
    "pitch": (-20.0, 20.0),
    "roll": (-25.0, 25.0),
    "blink": (0.0, 1.0),
    "smile": (-1.0, 1.0),
    "mouth": (0.0, 1.0),
    "brows": (-1.0, 1.0),
}

_JAW_DEGREES = 16.0  #: at mouth = 1
_BROW_LIFT = 0.11  #: canonical units at brows = 1


@dataclass(frozen=True)
class FaceSliders:
    """All 0 is the portrait as it is.

    Args:
        yaw: degrees, -25..25, above 0 turns the nose to the picture's right.
        pitch: degrees, -20..20, above 0 lifts the nose.
        roll: degrees, -25..25, above 0 leans the head clockwise in the picture.
        blink: 0 as it is .. 1 both eyes shut.
        smile: -1 a frown .. 1 a smile.
        mouth: 0 as it is .. 1 wide open.
        brows: -1 lowered .. 1 raised.

    Raises InputError for a value out of its range, SLIDER_RANGES.
    """

    yaw: float = 0.0
    pitch: float = 0.0
    roll: float = 0.0
    blink: float = 0.0
    smile: float = 0.0
    mouth: float = 0.0
    brows: float = 0.0

    def __post_init__(self) -> None:
        for name, (low, high) in SLIDER_RANGES.items():
            check_range(name, getattr(self, name), low, high)


def slider_motion(head: PortraitHead, poses: list[FaceSliders]) -> FaceMotion:
    """Poses of one portrait, one a frame."""
    shape = head.shape

    def column(name: str) -> Tensor:
        return torch.tensor([float(getattr(p, name)) for p in poses])

    rotation = from_euler(head.flatness * column("yaw"), column("pitch"), column("roll"))
    offset = _open_jaw(shape, column("mouth"))
    smile = column("smile")
    offset = offset + torch.where(smile < 0, 0.7 * smile, smile)[:, None, None] * _smile_shape()
    offset[..., 1] -= column("brows")[:, None] * _BROW_LIFT * regions().brows
    own = torch.stack([gaps(shape, pairs) for pairs in LID_PAIRS])
    lid_gap = (own * (1 - column("blink"))[:, None, None]).clamp(min=0)
    lip_gap = gaps(shape + offset, LIP_PAIRS).clamp(min=0)
    return FaceMotion(rotation, offset, lid_gap, lip_gap, torch.zeros(len(poses), 2, 2))


def _open_jaw(shape: Tensor, amount: Tensor) -> Tensor:
    """Turn the jaw about the axis through the ears: (t,) 0..1 -> offsets (t, 478, 3)."""
    axis = canonical_face()[[234, 454]].mean(0)
    still = torch.zeros_like(amount)
    opened = from_euler(still, -_JAW_DEGREES * amount, still)
    turned = (shape - axis) @ opened.transpose(-1, -2) + axis
    return (turned - shape) * jaw_weights()[:, None]


def _smile_shape() -> Tensor:
    """(478, 3): the mouth's corners out, up and back, the cheeks with them."""
    face = canonical_face()
    offset = torch.zeros_like(face)
    for corner in (MOUTH_RIGHT, MOUTH_LEFT):
        side = face[corner, 0].sign()
        pull = torch.stack([side * 0.09, torch.tensor(-0.075), torch.tensor(0.04)])
        distance = (face - face[corner]).norm(dim=1)
        offset += torch.exp(-((distance / 0.2) ** 2))[:, None] * pull
    return offset
