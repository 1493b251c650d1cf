"""Where a head stands in its picture: its pivot, its width, and how its camera is moved."""

from __future__ import annotations

from dataclasses import replace

import torch
from torch import Tensor

from ..errors import InputError
from ..types import CROP_SIZE, Camera, HeadParams, HeadTrack
from .head_model import HeadModel, ShapedHead
from .lbs import joint_transforms

_HALF = CROP_SIZE / 2  #: px of the crop for one crop unit


def pivot_points(params: HeadParams, head: HeadModel, pivot: str) -> Tensor:
    """(t, 3) model axes. pivot head: midway between the eye joints; root: the root joint.

    The root joint is taken as the identity has it: FLAME's also follows the expression a little,
    and what an expression moves is no way of the head.
    """
    if pivot == "root":
        n = len(params.shape)
        root = head.joints[0] + torch.tensordot(params.shape, head.joint_shape_basis[:n, 0], 1)
        return root.expand(len(params), 3)
    eyes = [i for i, role in enumerate(head.roles) if role.endswith("_eye")]
    if not eyes:
        raise InputError(f"{head.name} has no eye joints: choose pivot root.")
    return _joints(params, head)[:, eyes].mean(1)


def _joints(params: HeadParams, head: HeadModel) -> Tensor:
    """(t, j, 3) where the joints come to lie, without posing a vertex."""
    n_s, n_e = len(params.shape), params.expression.shape[1]
    rest = head.joints + torch.tensordot(params.shape, head.joint_shape_basis[:n_s], 1)
    rest = rest + torch.tensordot(params.expression, head.joint_expression_basis[:n_e], 1)
    rotations = ShapedHead(head, head.template, rest).rotations(params)
    return joint_transforms(rotations, rest, head.parents)[1]


def head_width(params: HeadParams, head: HeadModel) -> float:
    """From side to side of the mesh at rest, in model units: its widest part, ears and all."""
    n = len(params.shape)
    x = head.template[0] + torch.tensordot(params.shape, head.shape_basis[:n, 0], 1)
    return float(x.max() - x.min())


def in_frame(points: Tensor, track: HeadTrack) -> Tensor:
    """Model points (t, 3), one a frame -> px of the track's frame, (t, 2)."""
    seen = track.camera.scale[:, None] * (points[:, :2] + track.camera.translation)
    crop = (seen * seen.new_tensor([1.0, -1.0]) + 1) * _HALF - 0.5
    linear, shift = track.crop_from_frame[:, :2, :2], track.crop_from_frame[:, :2, 2]
    return torch.linalg.solve(linear, crop - shift)


def width_in_frame(track: HeadTrack, head: HeadModel) -> Tensor:
    """Px of the frame that the head is wide, (t,)."""
    zoom = torch.linalg.det(track.crop_from_frame[:, :2, :2]).abs().sqrt()
    return head_width(track.params, head) * track.camera.scale * _HALF / zoom


def moved(track: HeadTrack, pixels: Tensor) -> HeadTrack:
    """The track with its head moved by (t, 2) px of its frame: its camera looks aside."""
    crop = (track.crop_from_frame[:, :2, :2] @ pixels[..., None])[..., 0]
    shift = crop / (_HALF * track.camera.scale[:, None]) * crop.new_tensor([1.0, -1.0])
    return replace(track, camera=Camera(track.camera.scale, track.camera.translation + shift))
