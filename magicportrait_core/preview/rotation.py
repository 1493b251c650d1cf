"""Head rotations as yaw, pitch and roll, and a limit that eases instead of cutting."""

from __future__ import annotations

import torch
from torch import Tensor

#: degrees up to which a turn is followed one to one, and the most it ever becomes
YAW_LIMIT = (28.0, 42.0)
PITCH_LIMIT = (18.0, 28.0)
ROLL_LIMIT = (22.0, 32.0)
#: 0: heads turn about the picture's vertical; 1: about their own neck, however tilted
_TILT_SHARE = 0.45


def from_euler(yaw: Tensor, pitch: Tensor, roll: Tensor) -> Tensor:
    """Degrees (t,) -> rotations (t, 3, 3), R = Ry(yaw) Rx(pitch) Rz(roll), axes as canonical.

    Positive yaw turns the nose to the picture's right, positive pitch lifts it, positive roll
    tilts the head clockwise as the picture shows it.
    """
    a, b, c = (torch.deg2rad(torch.as_tensor(v, dtype=torch.float32)) for v in (yaw, pitch, roll))
    zero, one = torch.zeros_like(a), torch.ones_like(a)

    def matrix(*rows: Tensor) -> Tensor:
        return torch.stack(rows, -1).reshape(*a.shape, 3, 3)

    ry = matrix(a.cos(), zero, -a.sin(), zero, one, zero, a.sin(), zero, a.cos())
    rx = matrix(one, zero, zero, zero, b.cos(), b.sin(), zero, -b.sin(), b.cos())
    rz = matrix(c.cos(), -c.sin(), zero, c.sin(), c.cos(), zero, zero, zero, one)
    return ry @ rx @ rz


def to_euler(rotation: Tensor) -> tuple[Tensor, Tensor, Tensor]:
    """The inverse of from_euler for |pitch| < 90: (t, 3, 3) -> degrees (t,) each."""
    yaw = torch.atan2(-rotation[..., 0, 2], rotation[..., 2, 2])
    pitch = torch.asin(rotation[..., 1, 2].clamp(-1, 1))
    roll = torch.atan2(rotation[..., 1, 0], rotation[..., 1, 1])
    return torch.rad2deg(yaw), torch.rad2deg(pitch), torch.rad2deg(roll)


def ease(angle: Tensor, limit: tuple[float, float]) -> Tensor:
    """Identity up to limit[0] degrees, then a smooth approach to limit[1]."""
    start, most = limit
    over = (angle.abs() - start).clamp(min=0)
    return angle.sign() * (
        angle.abs().clamp(max=start) + (most - start) * (over / (most - start)).tanh()
    )


def turn_from(start: Tensor, to: Tensor, own: Tensor, gains: tuple[float, float, float]) -> Tensor:
    """Carry the turn of a head from ``start`` to ``to`` over to a head at ``own``.

    start and to are (3, 3) or (t, 3, 3), own is (3, 3). Yaw, pitch and roll are carried one by
    one, each with its gain and eased off where a picture cannot follow. A head that is tilted in
    its picture turns about an axis between the picture's vertical and its own neck. Returned is
    the turn in the moved head's own axes, own^-1 @ moved, (t, 3, 3).
    """
    level = torch.zeros(())
    tilt = from_euler(level, level, _TILT_SHARE * to_euler(own)[2])
    upright = tilt.transpose(-1, -2) @ own
    limits = (YAW_LIMIT, PITCH_LIMIT, ROLL_LIMIT)
    angles = zip(*map(to_euler, (start, to, upright)), gains, limits, strict=True)
    moved = [rest + ease((b - a) * gain, limit) for a, b, rest, gain, limit in angles]
    return own.transpose(-1, -2) @ tilt @ from_euler(*moved)
