"""Rotations and linear blend skinning, on planar vertices.

FLAME, section 3, https://flame.is.tue.mpg.de; SMPL, equations 2-4,
https://doi.org/10.1145/2816795.2818013.
"""

from __future__ import annotations

import torch
from torch import Tensor

CHUNK = 8  #: frames skinned at once: their transforms stay in the processor's cache


def rotation_matrix(axis_angle: Tensor) -> Tensor:
    """Rodrigues' formula: (..., 3) radians -> (..., 3, 3)."""
    angle = axis_angle.norm(dim=-1, keepdim=True)
    x, y, z = (axis_angle / angle.clamp(min=1e-12)).unbind(-1)
    zero = torch.zeros_like(x)
    cross = torch.stack([zero, -z, y, z, zero, -x, -y, x, zero], -1).unflatten(-1, (3, 3))
    sin, cos = angle[..., None].sin(), angle[..., None].cos()
    eye = torch.eye(3, dtype=axis_angle.dtype, device=axis_angle.device)
    return eye + sin * cross + (1 - cos) * (cross @ cross)


def joint_transforms(
    rotations: Tensor, joints: Tensor, parents: tuple[int, ...]
) -> tuple[Tensor, Tensor]:
    """World transforms of the joints, relative to the rest pose, and where the joints come to lie.

    Args:
        rotations: (t, j, 3, 3), each relative to its parent.
        joints: (t or 1, j, 3) at rest.
        parents: j indices; the root's is -1, a parent stands before its children.

    Returns:
        (t, j, 3, 4) that take a point at rest to where its joint carries it, and (t, j, 3).
    """
    turned, placed = [rotations[:, 0]], [joints[:, 0].expand(len(rotations), 3)]
    for joint, parent in enumerate(parents[1:], start=1):
        bone = (joints[:, joint] - joints[:, parent])[..., None]
        placed.append((turned[parent] @ bone)[..., 0] + placed[parent])
        turned.append(turned[parent] @ rotations[:, joint])
    turn, place = torch.stack(turned, 1), torch.stack(placed, 1)
    shift = place[..., None] - turn @ joints[..., None]
    return torch.cat([turn, shift], -1), place


def skin(points: Tensor, transforms: Tensor, weights: Tensor) -> Tensor:
    """Blend the joints' transforms over each vertex and apply them.

    Args:
        points: (t or 1, 3, v) at rest.
        transforms: (t, j, 3, 4).
        weights: (j, v), columns sum to 1.

    Returns:
        (t, 3, v).
    """
    t, v = len(transforms), points.shape[-1]
    out = points.new_empty(t, 3, v)
    columns = transforms.permute(0, 3, 2, 1)  # (t, 4, 3, j): one matrix column after the other
    for start in range(0, t, CHUNK):
        rows = slice(start, start + CHUNK)
        blend = columns[rows].reshape(-1, weights.shape[0]) @ weights
        blend = blend.reshape(-1, 4, 3, v)
        at = points if len(points) == 1 else points[rows]
        total = out[rows].copy_(blend[:, 3])
        for axis in range(3):
            total.addcmul_(blend[:, axis], at[:, axis, None])
    return out


def skin_plain(points: Tensor, transforms: Tensor, weights: Tensor) -> Tensor:
    """The slow twin of :func:`skin`, vertex by vertex."""
    blend = torch.einsum("jv,tjab->tvab", weights, transforms)
    homogeneous = torch.cat([points, torch.ones_like(points[:, :1])], 1).transpose(1, 2)
    return (blend @ homogeneous[..., None])[..., 0].transpose(1, 2)
