"""A head track as curves: the head's angles, the jaw, and how far mouth and eyes are open."""

from __future__ import annotations

from dataclasses import dataclass, replace

import torch
from torch import Tensor

from ...types import HeadParams, HeadTrack
from ..head_model import Embedding, HeadModel
from ..landmarks import points_on_faces
from ..lbs import rotation_matrix
from ..rotations import axis_angle, to_euler

#: iBUG-68 points: inner lips; (upper lid, lower lid) twice an eye; outer eye corners
LIPS = (62, 66)
LIDS = ((37, 41), (38, 40), (43, 47), (44, 46))
EYE_CORNERS = (36, 45)
_FIRST_STATIC = 17


@dataclass(frozen=True)
class Openings:
    """Distances on the head itself over that of its outer eye corners, each (t,)."""

    mouth: Tensor  #: between the inner lips
    eyes: Tensor  #: between the lids, both eyes together


def head_angles(track: HeadTrack) -> tuple[Tensor, Tensor, Tensor]:
    """Yaw, pitch and roll of the head, neck and all, in degrees, (t,) each; see `rotations`."""
    root, neck = (rotation_matrix(p) for p in (track.params.global_pose, track.params.neck_pose))
    return to_euler(axis_angle(root @ neck))


def jaw_opening(track: HeadTrack) -> Tensor:
    """Degrees (t,) that the jaw has turned about the axis through the ears; above 0 is open."""
    return torch.rad2deg(track.params.jaw_pose[:, 0])


def openings(track: HeadTrack, head: HeadModel) -> Openings | None:
    """How far mouth and eyes are open; None where the head model has no landmarks."""
    if head.landmarks is None:
        return None
    points = points_of(track.params, head, head.landmarks.static)

    def apart(a: int, b: int) -> Tensor:
        return (points[:, a - _FIRST_STATIC] - points[:, b - _FIRST_STATIC]).norm(dim=-1)

    unit = apart(*EYE_CORNERS).clamp(min=1e-9)
    lids = torch.stack([apart(*pair) for pair in LIDS]).sum(0) / 2
    return Openings(apart(*LIPS) / unit, lids / unit)


def points_of(params: HeadParams, head: HeadModel, embedding: Embedding) -> Tensor:
    """Points on the surface, (t, k, 3), posing only the vertices they hang on."""
    head.check(params)
    corners = head.faces[embedding.faces]
    used, place = corners.unique(return_inverse=True)
    part = replace(
        head,
        template=head.template[:, used],
        shape_basis=head.shape_basis[..., used],
        expression_basis=head.expression_basis[..., used],
        pose_basis=head.pose_basis[..., used],
        skinning=head.skinning[:, used],
        eyelid_basis=None if head.eyelid_basis is None else head.eyelid_basis[..., used],
        faces=place,
    )
    own = Embedding(torch.arange(len(corners), device=used.device), embedding.bary)
    return points_on_faces(part.shaped(params.shape).vertices(params), place, own)
