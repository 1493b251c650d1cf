"""The frame of a driver from which its motion is measured: the one nearest to rest."""

from __future__ import annotations

from dataclasses import replace

import torch
from torch import Tensor

from ...errors import InputError, NoFaceError
from ...types import HeadParams, HeadTrack
from ..head_model import HeadModel
from .readout import head_angles, jaw_opening, openings

HAND_MADE = "keyframes"  #: HeadTrack.tracker of key frames

#: What costs as much as one another: lips apart by this share of the eyes' distance, lids nearer
#: than usual by it, a jaw open by so many degrees, eyelids closed by this share ...
_LIPS, _LIDS, _JAW, _EYELID = 0.03, 0.05, 2.0, 0.3
_YAW, _PITCH, _ROLL = 10.0, 8.0, 8.0  #: ... the head turned by so many degrees
_OPEN = 0.7  #: the quantile of the lids' openings that counts as open eyes


def rest_of(track: HeadTrack, head: HeadModel, given: int | None = None) -> HeadTrack:
    """The one frame from which a driver's motion is measured.

    A hand-made track is measured from the head's template, unless a frame is given: its author
    wrote down turns of a head at rest, and need not have drawn the rest.
    """
    if track.tracker != HAND_MADE or given is not None:
        return track[[neutral_frame(track, head, given)]]
    rest = track[[0]]
    p = rest.params
    none = HeadParams.neutral(1, len(p.shape), p.expression.shape[1], p.basis).to(p.shape.device)
    lids = None if p.eyelids is None else torch.zeros_like(p.eyelids)
    return replace(rest, params=replace(none, shape=p.shape, eyelids=lids))


def neutral_frame(track: HeadTrack, head: HeadModel, given: int | None = None) -> int:
    """``given``, checked, or else the frame that `find_neutral` chooses."""
    if given is None:
        return find_neutral(track, head)
    if not 0 <= given < len(track):
        raise InputError(f"neutral_frame must be 0 to {len(track) - 1}, got {given}")
    return given


def find_neutral(track: HeadTrack, head: HeadModel) -> int:
    """The frame nearest to rest: mouth closed, eyes open, face as usual, head straight.

    Each frame's cost is averaged with its two neighbours', so that one bad frame is not taken for
    rest. Interpolated frames are never chosen.

    Raises:
        NoFaceError: no frame in which a face was seen.
    """
    if not track.valid.any():
        raise NoFaceError("no frame of the driver shows a face: choose another clip.")
    track = track.to(head.template.device)
    cost = _cost(track, head)
    known = track.valid.to(cost)
    total = _around(cost.masked_fill(~track.valid, 0))
    mean = total / _around(known).clamp(min=1)
    return int(mean.masked_fill(~track.valid, torch.inf).argmin())


def _cost(track: HeadTrack, head: HeadModel) -> Tensor:
    """(t,), about 1 for each thing that is clearly not at rest."""
    valid = track.valid
    yaw, pitch, roll = head_angles(track)
    usual = pitch[valid].median()  # a camera from above is no nod
    cost = yaw.abs() / _YAW + (pitch - usual).abs() / _PITCH + roll.abs() / _ROLL
    cost = cost + _expression_cost(track) + jaw_opening(track).clamp(min=0) / _JAW
    seen = openings(track, head)
    if seen is not None:
        cost = cost + seen.mouth / _LIPS
        cost = cost + (seen.eyes - seen.eyes[valid].quantile(_OPEN)).abs() / _LIDS
    if track.params.eyelids is not None:
        cost = cost + track.params.eyelids.clamp(min=0).mean(1) / _EYELID
    return cost


def _expression_cost(track: HeadTrack) -> Tensor:
    """(t,) distance from the clip's usual expression, 1 at the usual distance."""
    valid, expression = track.valid, track.params.expression
    away = (expression - expression[valid].median(0).values).norm(dim=-1)
    return away / away[valid].median().clamp(min=1e-6)


def _around(values: Tensor) -> Tensor:
    """(t,) sums over each frame and its neighbours."""
    padded = torch.nn.functional.pad(values, (1, 1))
    return padded[:-2] + padded[1:-1] + padded[2:]
