"""The portrait's parameters moved by the driver's, part by part: `transfer` has the equations."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import torch
import torch.nn.functional as F
from torch import Tensor

from ...types import HeadParams, TransferSettings
from ..rotations import from_euler, slerp, to_euler, turned, wrapped

_OPEN_AT_REST = 0.9  #: eyelids further down than this at rest are taken for this


@dataclass(frozen=True)
class Part:
    """One kind of value: the portrait's, the driver's, and the driver's in its neutral frame."""

    own: Tensor  #: (1, n)
    acted: Tensor  #: (t, n)
    rest: Tensor | None  #: (1, n); None: absolute

    def numbers(self, gain: float) -> Tensor:
        """(t, n); the ends of the absolute way are exact."""
        own = self.own.expand_as(self.acted)
        if self.rest is None:
            return torch.lerp(own, self.acted, gain)
        return own + gain * (self.acted - self.rest)

    def rotations(self, gain: float) -> Tensor:
        """(t, 3) axis-angle, of axis-angle; the ends of the absolute way are exact."""
        if gain == 0:
            return self.own.expand_as(self.acted)
        if self.rest is None:
            return slerp(self.own, self.acted, gain)
        return turned(self.own, self.rest, self.acted, gain)


def moved_params(
    own: HeadParams, acted: HeadParams, rest: HeadParams | None, settings: TransferSettings
) -> HeadParams:
    """The portrait's parameters (1 frame) as the driver's (t frames) move them.

    rest: the driver's neutral frame (1 frame); None: absolute.
    """
    s = settings

    def part(read: Callable[[HeadParams], Tensor]) -> Part:
        return Part(read(own), read(acted), None if rest is None else read(rest))

    n_e = max(own.expression.shape[1], acted.expression.shape[1])
    eyes = (part(lambda p, at=at: p.eye_pose[:, at]) for at in (slice(0, 3), slice(3, 6)))
    return HeadParams(
        shape=own.shape,
        expression=part(lambda p: padded(p.expression, n_e)).numbers(s.expression),
        global_pose=_head(part(lambda p: p.global_pose), (s.yaw, s.pitch, s.roll)),
        jaw_pose=_jaw(part(lambda p: p.jaw_pose), s.jaw),
        neck_pose=part(lambda p: p.neck_pose).rotations(s.neck),
        eye_pose=torch.cat([eye.rotations(s.gaze) for eye in eyes], 1),
        eyelids=_eyelids(own, acted, rest, s.eyelids),
        basis=own.basis,
    )


def padded(values: Tensor, width: int) -> Tensor:
    """(t, n) -> (t, width): coefficients that a track leaves out are 0."""
    return F.pad(values, (0, width - values.shape[1]))


def _head(part: Part, gains: tuple[float, float, float]) -> Tensor:
    """(t, 3) the global pose. gains: of yaw, pitch and roll."""
    if gains == (0, 0, 0):
        return part.own.expand_as(part.acted)
    if part.rest is None:
        if gains == (1, 1, 1):
            return part.acted
        ways = zip(gains, to_euler(part.own), to_euler(part.acted), strict=True)
        return from_euler(*(own + gain * wrapped(to - own) for gain, own, to in ways))
    still = torch.zeros_like(part.own)
    angles = to_euler(turned(still, part.rest, part.acted))
    turn = from_euler(*(gain * angle for gain, angle in zip(gains, angles, strict=True)))
    return turned(part.own, still, turn)


def _jaw(part: Part, gain: float) -> Tensor:
    """(t, 3). Axis x opens it: it goes no lower than shut, or than portrait or driver have it."""
    pose = part.rotations(gain)
    floor = torch.minimum(part.own[:, 0], part.acted[:, 0]).clamp(max=0)
    return torch.cat([torch.maximum(pose[:, :1], floor[:, None]), pose[:, 1:]], 1)


def _eyelids(
    own: HeadParams, acted: HeadParams, rest: HeadParams | None, gain: float
) -> Tensor | None:
    """(t, 2) or None; who has none tracked has them at 0, and a driver without moves none."""
    if own.eyelids is None and (acted.eyelids is None or gain == 0):
        return None
    mine = acted.expression.new_zeros(1, 2) if own.eyelids is None else own.eyelids
    if acted.eyelids is None:
        return mine.expand(len(acted), 2)
    if rest is None:
        lids = Part(mine, acted.eyelids, None).numbers(gain)
    else:
        since = acted.eyelids - rest.eyelids
        left = 1 - rest.eyelids.clamp(max=_OPEN_AT_REST)
        down = since / left * (1 - mine).clamp(min=0)
        lids = mine + gain * torch.where(since > 0, down, since)
    low = torch.minimum(mine, acted.eyelids).clamp(max=0)
    high = torch.maximum(mine, acted.eyelids).clamp(min=1)
    return lids.clamp(low, high)
