"""Frames in which no face was seen, from those around them."""

from __future__ import annotations

from dataclasses import replace

import torch
from torch import Tensor

from ...errors import InputError
from ...types import HeadTrack
from ..projection import camera_in_crop, camera_in_picture
from ..rotations import slerp


def _neighbours(valid: Tensor) -> tuple[Tensor, Tensor, Tensor]:
    """For each of (t,) frames the known frame before and after, and how far it is between."""
    known = valid.nonzero()[:, 0]
    if not len(known):
        raise InputError("no frame is known from which the others could be interpolated")
    at = torch.arange(len(valid), device=valid.device)
    after = known[torch.searchsorted(known, at).clamp(max=len(known) - 1)]
    before = known[(torch.searchsorted(known, at, right=True) - 1).clamp(min=0)]
    share = (at - before) / (after - before).clamp(min=1)
    return before, after, share.clamp(0, 1)


def fill_values(values: Tensor, valid: Tensor) -> Tensor:
    """Linear in time between known frames, held before the first and after the last.

    values: (t, ...). valid: (t,) bool, at least one True; known frames stay as they are.
    """
    before, after, share = _neighbours(valid)
    between = torch.lerp(values[before], values[after], share.reshape(-1, *[1] * values[0].ndim))
    return torch.where(valid.reshape(-1, *[1] * values[0].ndim), values, between)


def fill_rotations(rotations: Tensor, valid: Tensor) -> Tensor:
    """The shortest way on the sphere between known frames, held at the ends: (t, 3) axis-angle."""
    before, after, share = _neighbours(valid)
    between = slerp(rotations[before], rotations[after], share)
    return torch.where(valid[:, None], rotations, between)


def fill_track(track: HeadTrack) -> HeadTrack:
    """A track whose frames that are not valid are interpolated; they stay marked.

    Of these frames only `crop_from_frame` is read. The camera is interpolated in the picture, so
    crops may move.
    """
    valid, params = track.valid, track.params
    if valid.all():
        return track
    standing = camera_in_picture(track.camera, track.crop_from_frame)
    eyes = [fill_rotations(part, valid) for part in params.eye_pose.split(3, 1)]
    return replace(
        track,
        params=replace(
            params,
            expression=fill_values(params.expression, valid),
            global_pose=fill_rotations(params.global_pose, valid),
            jaw_pose=fill_rotations(params.jaw_pose, valid),
            neck_pose=fill_rotations(params.neck_pose, valid),
            eye_pose=torch.cat(eyes, 1),
            eyelids=None if params.eyelids is None else fill_values(params.eyelids, valid),
        ),
        camera=camera_in_crop(fill_values(standing, valid), track.crop_from_frame),
        lighting=fill_values(track.lighting, valid),
    )
