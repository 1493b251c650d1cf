"""Where a rigid head is, in closed form: the beginning of a fit."""

from __future__ import annotations

import torch
from torch import Tensor


def rigid_pose(
    points: Tensor, seen: Tensor, weights: Tensor, pivot: Tensor
) -> tuple[Tensor, Tensor, Tensor]:
    """Weak perspective of points that do not deform.

    The affine map from 3-D to the picture by weighted least squares, then the nearest scaled
    rotation; the third row follows from the first two, so that a mirrored head cannot come out.

    Args:
        points: (k, 3) metres, head axes.
        seen: (t, k, 2) y down.
        weights: (k,).
        pivot: (3,).

    Returns:
        turn (t, 3, 3), log scale (t,), place (t, 2) of the pivot.
    """
    share = (weights / weights.sum())[:, None]
    centre, middle = (points * share).sum(0), (seen * share).sum(1)
    spread = (points - centre) * share.sqrt()
    flat = (seen - middle[:, None]) * share.sqrt() * seen.new_tensor([1.0, -1.0])
    flat = flat.transpose(0, 1).reshape(len(points), -1)
    # gels: with the default driver the last bits differ from call to call
    affine = torch.linalg.lstsq(spread, flat, driver="gels").solution
    affine = affine.reshape(3, len(seen), 2).permute(1, 2, 0)  # (t, 2, 3)
    u, stretch, vh = torch.linalg.svd(affine, full_matrices=False)
    rows = u @ vh
    turn = torch.cat([rows, torch.linalg.cross(rows[:, 0], rows[:, 1])[:, None]], 1)
    scale = stretch.mean(1)
    arm = (turn @ (pivot - centre))[:, :2] * seen.new_tensor([1.0, -1.0])
    return turn, scale.log(), middle + scale[:, None] * arm


def spread_frames(turn: Tensor, count: int) -> Tensor:
    """At most ``count`` frames that show the head from as many sides as there are, sorted.

    A third each are even in time, in yaw and in pitch.
    """
    t = len(turn)
    if t <= count:
        return torch.arange(t)
    each = torch.linspace(0.01, 0.99, count // 3)
    ranks = (each * (t - 1)).round().long()
    yaw, pitch = turn[:, 0, 2].argsort(), turn[:, 1, 2].argsort()
    return torch.cat([ranks, yaw[ranks], pitch[ranks]]).unique()
