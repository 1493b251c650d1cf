"""The driver's motion put on the portrait's head.

p is the portrait's value, d(t) the driver's, n the driver's in its neutral frame (`neutral`; of
key frames the template's), g the gain. What each setting of `TransferSettings` does:

- Shape, texture, light, camera and crop are the portrait's: the driver's identity, distance and
  place in its picture stay behind, as in MagicPortrait, https://arxiv.org/abs/2504.21497.
- Expression. absolute: p + g (d - p). relative: p + g (d - n).
- Eyelids, absolute: the same. relative: who closes its eyes by a share of the way from rest to
  shut has the portrait's close by that share, so that a blink shuts them; opened wider than at
  rest they take the difference. What comes out stays in 0..1.
- Jaw, neck and each eye are rotations J. absolute: J_p exp(g log(J_p^-1 J_d)), the shortest way
  from p to d. relative: J_p exp(g log(J_n^-1 J_d)). The jaw never closes further than shut.
- Head, absolute: yaw, pitch and roll each go from p to d by their gain.
- Head, relative: R = R_p E, where E has the yaw, pitch and roll of R_n^-1 R_d, each times its
  gain. R takes the head's axes to the camera's, so R_n^-1 R_d is the turn since the neutral
  frame in the head's own axes: whatever stands to the left of both, a camera at the side, a
  driver whose rest is turned by 20 degrees, cancels out, and a driver's nod is a nod of the
  portrait, about its own ears. (R_d R_n^-1 R_p would nod it about the driver's.)
- Pivot. The turns leave the root joint or the point between the eyes where the portrait has it
  in its picture. Translation adds g times the way that the driver's pivot has gone through its
  frame since the neutral frame, measured in head widths of either. Scale stays the portrait's.

With every gain at 1 and mode absolute the driver's values come through bit for bit, with every
gain at 0 the portrait's.
"""

from __future__ import annotations

from collections.abc import Sequence

import torch

from ..errors import InputError
from ..types import Camera, HeadTrack, MotionTrack, TransferSettings
from .head_model import HeadModel
from .motion.gains import moved_params
from .motion.neutral import rest_of
from .motion.placing import in_frame, moved, pivot_points, width_in_frame


def transfer(
    motion: MotionTrack, head: HeadModel, frames: Sequence[int] | None = None
) -> HeadTrack:
    """The portrait's head as the driver moves it.

    Args:
        motion: a portrait, a driver and settings, both on the basis of ``head``.
        frames: of the driver, from 0; None: all.

    Returns:
        A track of the portrait's picture size and the driver's frame rate, on the device of
        ``head``; valid and tracker are the driver's.

    Raises:
        InputError: another basis, a frame that is not there, no valid frame where a neutral one
            is wanted.
    """
    head.check(motion.portrait.params, "the portrait's parameters")
    head.check(motion.driver.params, "the driver's parameters")
    settings, device = motion.settings, head.template.device
    own, driver = motion.portrait.to(device), motion.driver.to(device)
    chosen = _chosen(frames, len(driver))
    since: HeadTrack | None = None  # the driver's neutral frame
    if settings.mode == "relative" or settings.translation != 0:
        since = rest_of(driver, head, settings.neutral_frame)
    acted = driver[chosen]
    rest = None if settings.mode == "absolute" else since.params
    params = moved_params(own.params, acted.params, rest, settings)
    t = len(acted)
    track = HeadTrack(
        params,
        Camera(own.camera.scale.expand(t), own.camera.translation.expand(t, 2)),
        own.texture,
        own.lighting.expand(t, 9, 3),
        own.crop_from_frame.expand(t, 3, 3),
        acted.valid,
        own.frame_size,
        driver.fps,
        driver.tracker,
    )
    return _placed(track, own, acted, since, head, settings)


def _chosen(frames: Sequence[int] | None, count: int) -> list[int]:
    if frames is None:
        return list(range(count))
    frames = [int(frame) for frame in frames]
    outside = [frame for frame in frames if not 0 <= frame < count]
    if outside:
        raise InputError(f"frames must be 0 to {count - 1}, got {outside[0]}")
    return frames


def _placed(
    track: HeadTrack,
    own: HeadTrack,
    acted: HeadTrack,
    since: HeadTrack | None,
    head: HeadModel,
    settings: TransferSettings,
) -> HeadTrack:
    """The track with its camera moved for the pivot and for the driver's way."""
    pivot = settings.pivot
    shift = torch.zeros_like(track.camera.translation)
    if pivot == "head":
        home = in_frame(pivot_points(own.params, head, pivot), own)
        shift = home - in_frame(pivot_points(track.params, head, pivot), track)
    if settings.translation != 0 and since is not None:
        seen = in_frame(pivot_points(acted.params, head, pivot), acted)
        start = in_frame(pivot_points(since.params, head, pivot), since)
        widths = (seen - start) / width_in_frame(since, head)[:, None]
        shift = shift + settings.translation * widths * width_in_frame(own, head)[:, None]
    return track if pivot == "root" and settings.translation == 0 else moved(track, shift)
