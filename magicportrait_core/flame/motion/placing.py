"""Where a head stands in its picture: its pivot, its width, and how it is moved there."""

from __future__ import annotations

from dataclasses import replace

import torch
from torch import Tensor

from ...errors import InputError
from ...types import HeadParams, HeadTrack
from ..head_model import HeadModel, ShapedHead
from ..lbs import joint_transforms
from ..projection import camera_in_crop, camera_in_picture, crop_to_picture, project


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
    """Model points (t, 3), one a frame, or (t, k, 3) -> px of the track's frame, (t, [k,] 2)."""
    height, width = track.frame_size
    seen = project(points.reshape(len(points), -1, 3), track.camera)
    screen = crop_to_picture(seen, track.crop_from_frame, height, width, "exact")[..., :2]
    px = (screen + 1) / 2 * screen.new_tensor([width, height]) - 0.5
    return px.reshape(*points.shape[:-1], 2)


def width_in_frame(track: HeadTrack, head: HeadModel) -> Tensor:
    """Px of the frame that the head is wide, (t,)."""
    standing = camera_in_picture(track.camera, track.crop_from_frame)
    return head_width(track.params, head) * standing[:, 2]


def moved(track: HeadTrack, pixels: Tensor) -> HeadTrack:
    """The track with its head moved by (t, 2) px of its frame: its camera looks aside."""
    standing = camera_in_picture(track.camera, track.crop_from_frame).clone()
    standing[:, :2] += pixels
    return replace(track, camera=camera_in_crop(standing, track.crop_from_frame))
