"""Two head tracks made one: a share of either motion in every frame."""

from __future__ import annotations

from dataclasses import replace

import torch
from torch import Tensor

from ...checks import check_shape
from ...errors import InputError
from ...types import Camera, HeadParams, HeadTrack
from ..projection import camera_in_crop, camera_in_picture
from ..rotations import slerp
from .gains import padded


def blend(a: HeadTrack, b: HeadTrack, weight: Tensor | float) -> HeadTrack:
    """The motion of ``a`` at weight 0, of ``b`` at 1, and in between on the shortest way.

    Rotations blend on the sphere, all else as numbers. Identity, texture, light, crop and picture
    are ``a``'s. The place in the picture blends where both pictures have one size, else it is
    ``a``'s. A frame is valid where all that went into it was.

    Args:
        weight: 0..1, one for the clip or (t,) one a frame.

    Raises:
        InputError: another basis, length or frame rate; a weight outside 0..1.
    """
    _check_pair(a, b)
    share = _shares(weight, a)
    p, q = a.params, b.params
    n_e = max(p.expression.shape[1], q.expression.shape[1])

    def mix(x: Tensor, y: Tensor) -> Tensor:
        return torch.lerp(x, y, share[:, None])

    def turns(name: str) -> Tensor:
        pairs = zip(getattr(p, name).split(3, 1), getattr(q, name).split(3, 1), strict=True)
        return torch.cat([slerp(x, y, share) for x, y in pairs], 1)

    rotations = ("global_pose", "jaw_pose", "neck_pose", "eye_pose")
    params = replace(
        p,
        expression=mix(padded(p.expression, n_e), padded(q.expression, n_e)),
        eyelids=_blended_lids(p, q, share),
        **{name: turns(name) for name in rotations},
    )
    valid = (a.valid | (share == 1)) & (b.valid | (share == 0))
    tracker = a.tracker if a.tracker == b.tracker else f"{a.tracker}+{b.tracker}"
    return replace(
        a, params=params, camera=_blended_cameras(a, b, share), valid=valid, tracker=tracker
    )


def _check_pair(a: HeadTrack, b: HeadTrack) -> None:
    if a.params.basis != b.params.basis:
        raise InputError(
            f"tracks of two head models cannot be blended ({a.params.basis}, {b.params.basis}): "
            "track both with the same one."
        )
    for what, mine, theirs in (("frames", len(a), len(b)), ("fps", a.fps, b.fps)):
        if mine != theirs:
            raise InputError(
                f"tracks to blend must be alike in {what}, got {mine} and {theirs}: track both at "
                "one frame rate and trim them to one length."
            )


def _shares(weight: Tensor | float, a: HeadTrack) -> Tensor:
    """(t,) weights, checked."""
    share = torch.as_tensor(weight, dtype=torch.float32, device=a.params.expression.device)
    share = share.expand(len(a)) if share.ndim == 0 else share
    check_shape("weight", share, len(a))
    if not ((share >= 0) & (share <= 1)).all():
        raise InputError("weight must be 0 to 1 in every frame")
    return share


def _blended_lids(p: HeadParams, q: HeadParams, share: Tensor) -> Tensor | None:
    """Who has no eyelids tracked has them at 0."""
    if p.eyelids is None and q.eyelids is None:
        return None
    none = p.expression.new_zeros(len(p), 2)
    mine = none if p.eyelids is None else p.eyelids
    theirs = none if q.eyelids is None else q.eyelids
    return torch.lerp(mine, theirs, share[:, None])


def _blended_cameras(a: HeadTrack, b: HeadTrack, share: Tensor) -> Camera:
    """In the crops of ``a``: place linear, size geometric."""
    if a.frame_size != b.frame_size or not share.any():
        return a.camera
    mine, theirs = (camera_in_picture(track.camera, track.crop_from_frame) for track in (a, b))
    place = torch.lerp(mine[:, :2], theirs[:, :2], share[:, None])
    size = torch.lerp(mine[:, 2].log(), theirs[:, 2].log(), share).exp()
    return camera_in_crop(torch.cat([place, size[:, None]], 1), a.crop_from_frame)
