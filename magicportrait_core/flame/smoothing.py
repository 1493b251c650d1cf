"""Zero-phase smoothing of a head's parameters: nothing lags, nothing leads.

`bilateral` on numbers and, along the sphere, on rotations.
"""

from __future__ import annotations

from dataclasses import replace

import torch
from torch import Tensor

from ..checks import check_range
from ..types import HeadTrack
from .lbs import rotation_matrix
from .motion.bilateral import Step, Window, mean_step
from .motion.filling import fill_rotations, fill_track, fill_values
from .projection import camera_in_crop, camera_in_picture
from .rotations import axis_angle

__all__ = ["Window", "fill_rotations", "fill_track", "fill_values", "shots", "smooth_track"]

SECONDS = 0.16  #: standard deviation in time at strength 1
CUT = 0.75  #: head sizes between two frames from which on it is a cut, not a motion
HEAD = 0.2  #: model units, the size of a head
#: changes that nobody sees, which are noise even where the track's own is less
FLOOR_TURN = 0.004  #: radians
FLOOR_PLACE = 0.0004  #: model units
FLOOR_SIZE = 0.002  #: of the head's size
FLOOR_EXPRESSION = 0.03  #: standard deviations of a coefficient
FLOOR_EYELID = 0.02
FLOOR_LIGHT = 0.02


def shots(centres: Tensor, sizes: Tensor) -> Tensor:
    """Numbers of the stretches without a cut, (t,). centres: (t, 2) and sizes: (t,) of the head."""
    moved = (centres[1:] - centres[:-1]).norm(dim=-1)
    cut = moved > CUT * torch.maximum(sizes[1:], sizes[:-1])
    return torch.cat([cut.new_zeros(1), cut]).cumsum(0)


def smooth_track(track: HeadTrack, strength: float) -> HeadTrack:
    """The track with what moves smoothed, rotations on the sphere; 0 none, 1 strongest.

    Frames that are not valid give no data; they are interpolated anew. Shape and texture, which
    are one for the clip, and the crops stay.
    """
    check_range("smoothing", strength, 0, 1)
    track = fill_track(track)
    sigma = strength * SECONDS * float(track.fps)
    if sigma == 0 or len(track) < 2:
        return track
    params = track.params
    standing = camera_in_picture(track.camera, track.crop_from_frame)
    shot = shots(standing[:, :2], HEAD * standing[:, 2].abs())
    window = Window(track.valid, shot, sigma)

    def values(x: Tensor, floor: float) -> Tensor:
        return smooth_values(x.flatten(1), window, floor).reshape(x.shape)

    def turns(x: Tensor) -> Tensor:
        return torch.cat([smooth_rotations(part, window) for part in x.split(3, 1)], 1)

    global_pose, standing = _smooth_stance(params.global_pose, standing, window)
    smooth = replace(
        track,
        params=replace(
            params,
            expression=values(params.expression, FLOOR_EXPRESSION),
            global_pose=global_pose,
            jaw_pose=turns(params.jaw_pose),
            neck_pose=turns(params.neck_pose),
            eye_pose=turns(params.eye_pose),
            eyelids=None if params.eyelids is None else values(params.eyelids, FLOOR_EYELID),
        ),
        camera=camera_in_crop(standing, track.crop_from_frame),
        lighting=values(track.lighting, FLOOR_LIGHT),
    )
    return fill_track(smooth)


def smooth_values(values: Tensor, window: Window, floor: float | Tensor) -> Tensor:
    """Smooth (t, d) numbers, each of the d for itself.

    floor: a number or (d,), changes up to which are noise.
    """

    def step(early: slice, late: slice) -> Tensor:
        return values[late] - values[early]

    return values + mean_step(step, window, torch.as_tensor(floor), together=False)


def smooth_rotations(rotations: Tensor, window: Window) -> Tensor:
    """Smooth (t, 3) axis-angle on the sphere."""
    if not rotations.any():
        return rotations
    matrices = rotation_matrix(rotations)
    floor = torch.tensor(FLOOR_TURN)
    mean = mean_step(_turn_step(matrices), window, floor, together=True)
    return axis_angle(matrices @ rotation_matrix(mean))


def _smooth_stance(rotations: Tensor, standing: Tensor, window: Window) -> tuple[Tensor, Tensor]:
    """Smooth rotation (t, 3) and place (t, 3) with the same weights: they make up for each other.

    A head turns about its root, so that an error of the turn is one of the place too.
    """
    matrices = rotation_matrix(rotations)
    turn = _turn_step(matrices)
    unit = standing[window.valid, 2].abs().median()

    def step(early: slice, late: slice) -> Tensor:
        return torch.cat([turn(early, late), (standing[late] - standing[early]) / unit], 1)

    floor = [FLOOR_TURN] * 3 + [FLOOR_PLACE] * 2 + [FLOOR_SIZE]
    mean = mean_step(step, window, torch.tensor(floor), together=True)
    return axis_angle(matrices @ rotation_matrix(mean[:, :3])), standing + mean[:, 3:] * unit


def _turn_step(matrices: Tensor) -> Step:
    def step(early: slice, late: slice) -> Tensor:
        return axis_angle(matrices[early].mT @ matrices[late])

    return step
