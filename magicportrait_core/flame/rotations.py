"""Rotations: axis-angle, matrices, the way between two, and yaw, pitch and roll.

Head axes are FLAME's (x to the subject's left, y up, z out of the face); the angles are the
package's: yaw above 0 turns the nose to the picture's right, pitch above 0 lifts it, roll above 0
leans the head clockwise in the picture. `lbs.rotation_matrix` is the way from axis-angle.
"""

from __future__ import annotations

import torch
from torch import Tensor

from .lbs import rotation_matrix


def axis_angle(matrix: Tensor) -> Tensor:
    """The inverse of `rotation_matrix`: (..., 3, 3) -> (..., 3) radians, length 0..pi.

    By way of the quaternion whose largest part is known best, so that it holds near 0 and near
    pi: Shepperd 1978, https://doi.org/10.2514/3.55767b. At pi either axis may come out.
    """
    quaternion = _quaternion(matrix)
    w, vector = quaternion[..., :1], quaternion[..., 1:]
    w, vector = w.abs(), torch.where(w < 0, -vector, vector)
    sine = vector.norm(dim=-1, keepdim=True)
    tiny = sine < 1e-6
    ratio = 2 * torch.atan2(sine, w) / torch.where(tiny, torch.ones_like(sine), sine)
    return vector * torch.where(tiny, 2 / w.clamp(min=0.5), ratio)


def _quaternion(matrix: Tensor) -> Tensor:
    """(..., 3, 3) -> (..., 4): w, x, y, z, either sign."""
    (a, b, c), (d, e, f), (g, h, i) = (row.unbind(-1) for row in matrix.unbind(-2))
    # row n is 4 q_n times (w, x, y, z): the one with the largest q_n is divided by the most
    rows = torch.stack(
        [
            torch.stack([1 + a + e + i, h - f, c - g, d - b], -1),
            torch.stack([h - f, 1 + a - e - i, b + d, c + g], -1),
            torch.stack([c - g, b + d, 1 - a + e - i, f + h], -1),
            torch.stack([d - b, c + g, f + h, 1 - a - e + i], -1),
        ],
        -2,
    )
    best = rows.diagonal(dim1=-2, dim2=-1).argmax(-1)[..., None, None]
    row = rows.gather(-2, best.expand(*best.shape[:-1], 4))[..., 0, :]
    return row / row.norm(dim=-1, keepdim=True)


def turned(start: Tensor, first: Tensor, then: Tensor, gain: Tensor | float = 1.0) -> Tensor:
    """``start`` turned by ``gain`` times what lies between ``first`` and ``then``.

    start @ exp(gain * log(first^-1 @ then)), all axis-angle (..., 3): the turn is taken in the
    turning part's own axes, so whatever stands to the left of both, a camera at the side or a
    parent joint, cancels out. gain broadcasts to (..., 1).
    """
    between = rotation_matrix(first).mT @ rotation_matrix(then)
    return axis_angle(rotation_matrix(start) @ rotation_matrix(gain * axis_angle(between)))


def slerp(a: Tensor, b: Tensor, weight: Tensor | float) -> Tensor:
    """The shortest way on the sphere, ``a`` at 0, ``b`` at 1: axis-angle (..., 3).

    weight is a number or (...); at 0 and 1 the ends come back as they are. Beyond, the way goes
    on. Shoemake 1985, https://doi.org/10.1145/325165.325242.
    """
    a, b = torch.broadcast_tensors(a, b)
    share = torch.as_tensor(weight, dtype=a.dtype, device=a.device)[..., None]
    return torch.where(share == 0, a, torch.where(share == 1, b, turned(a, a, b, share)))


def from_euler(yaw: Tensor, pitch: Tensor, roll: Tensor) -> Tensor:
    """Degrees (...) -> axis-angle (..., 3) of R = Ry(yaw) Rx(-pitch) Rz(-roll).

    >>> from_euler(torch.tensor(90.0), torch.tensor(0.0), torch.tensor(0.0))
    tensor([0.0000, 1.5708, 0.0000])
    """
    angles = torch.deg2rad(torch.stack(torch.broadcast_tensors(yaw, -pitch, -roll), -1))
    zero = torch.zeros_like(angles[..., 0])
    around_y = rotation_matrix(torch.stack([zero, angles[..., 0], zero], -1))
    around_x = rotation_matrix(torch.stack([angles[..., 1], zero, zero], -1))
    around_z = rotation_matrix(torch.stack([zero, zero, angles[..., 2]], -1))
    return axis_angle(around_y @ around_x @ around_z)


def to_euler(rotation: Tensor) -> tuple[Tensor, Tensor, Tensor]:
    """The inverse of from_euler, for |pitch| < 90: axis-angle (..., 3) -> degrees (...) each."""
    matrix = rotation_matrix(rotation)
    yaw = torch.atan2(matrix[..., 0, 2], matrix[..., 2, 2])
    pitch = torch.atan2(matrix[..., 1, 2], matrix[..., 1, :2].norm(dim=-1))
    roll = torch.atan2(-matrix[..., 1, 0], matrix[..., 1, 1])
    return torch.rad2deg(yaw), torch.rad2deg(pitch), torch.rad2deg(roll)


def wrapped(degrees: Tensor) -> Tensor:
    """The same angle between -180 and 180."""
    return torch.remainder(degrees + 180, 360) - 180
