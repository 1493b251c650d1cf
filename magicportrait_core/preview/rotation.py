"""Head rotations as yaw, pitch and roll, and a limit that eases instead of cutting."""

from __future__ import annotations

import torch
from torch import Tensor

#: degrees up to which a turn is followed one to one, and the most it ever becomes
YAW_LIMIT = (25.0, 38.0)
PITCH_LIMIT = (18.0, 28.0)
ROLL_LIMIT = (22.0, 32.0)


def from_euler(yaw: Tensor, pitch: Tensor, roll: Tensor) -> Tensor:
    """Degrees (t,) -> rotations (t, 3, 3), R = Rz(roll) Ry(yaw) Rx(pitch), axes as canonical.

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
    return rz @ ry @ rx


def to_euler(rotation: Tensor) -> tuple[Tensor, Tensor, Tensor]:
    """The inverse of from_euler for \\|yaw\\| < 90: (t, 3, 3) -> degrees (t,) each."""
    yaw = torch.asin(rotation[..., 2, 0].clamp(-1, 1))
    pitch = torch.atan2(-rotation[..., 2, 1], rotation[..., 2, 2])
    roll = torch.atan2(rotation[..., 1, 0], rotation[..., 0, 0])
    return torch.rad2deg(yaw), torch.rad2deg(pitch), torch.rad2deg(roll)


def ease(angle: Tensor, limit: tuple[float, float]) -> Tensor:
    """Identity up to limit[0] degrees, then a smooth approach to limit[1]."""
    start, most = limit
    over = (angle.abs() - start).clamp(min=0)
    return angle.sign() * (
        angle.abs().clamp(max=start) + (most - start) * (over / (most - start)).tanh()
    )


def scale_and_ease(rotation: Tensor, gain: float) -> Tensor:
    """Multiply each angle by ``gain``, then ease it off where a picture cannot follow."""
    yaw, pitch, roll = to_euler(rotation)
    return from_euler(
        ease(yaw * gain, YAW_LIMIT), ease(pitch * gain, PITCH_LIMIT), ease(roll * gain, ROLL_LIMIT)
    )
