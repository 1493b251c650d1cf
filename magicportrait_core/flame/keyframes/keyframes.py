"""A hand-made motion: key frames in a JSON or CSV file, drawn through as smooth curves.

Channels, each with keys of its own; a channel that no key names stays at 0:

    yaw, pitch, roll            degrees, -180..180; signs as everywhere in the package
    jaw                         degrees open, -20..60; on FLAME a turn about +x, which opens
    eyelid_left, eyelid_right   0 as they are .. 1 shut
    gaze_yaw, gaze_pitch        degrees, -60..60, both eyes alike, signs as the head's
    exp_0, exp_1 ...            expression coefficients, -10..10

JSON: {"fps": 24, "frames": 48, "keys": [{"frame": 0, "yaw": 0, "jaw": 2,
"expression": {"0": 1.5}}, ...]}. fps is 25 and frames the last key's and one more where they are
left out. CSV: a header of frame and channels; an empty cell is no key; lines "# fps 24" and
"# frames 48" may stand above it. Between keys the curve is monotone, so that it never swings past
a key: Fritsch and Butland 1984, https://doi.org/10.1137/0905021 (scipy's PCHIP). Before the
first and after the last key it is held.
"""

from __future__ import annotations

import os
from dataclasses import replace
from fractions import Fraction
from pathlib import Path

import numpy as np
import torch
from scipy.interpolate import PchipInterpolator
from torch import Tensor

from ...light import FRONT_LIGHT
from ...types import CROP_SIZE, Camera, HeadParams, HeadTrack
from ..head_model import HeadModel
from ..motion.neutral import HAND_MADE
from ..rotations import from_euler
from .files import Keyframes, read_file

_FILL = 1.6  #: of the crop's 2 units that the head is high where this track is looked at itself


def read_keyframes(
    path: str | os.PathLike, head: HeadModel, fps: Fraction | float | None = None
) -> HeadTrack:
    """A track from key frames, to drive a portrait with.

    Args:
        path: a .json or .csv file as described on top of this file.
        head: the model whose parameters it is about; exp_7 is its seventh, counted from 0.
        fps: frames per second; None: the file's.

    Returns:
        A track of the head's mean identity, in the middle of a picture of its own.

    Raises:
        InputError: with the file's name and the line or key that is wrong.
    """
    keys = read_file(Path(path), len(head.expression_basis))
    if fps is not None:
        keys = replace(keys, fps=Fraction(fps).limit_denominator(1001))
    return keyframed(keys, head)


def keyframed(keys: Keyframes, head: HeadModel) -> HeadTrack:
    """The track of key frames that were read or made by a program."""
    t = keys.frames

    def channel(name: str) -> Tensor:
        return curve(keys.channels.get(name, {}), t)

    numbers = [int(name[4:]) for name in keys.channels if name.startswith("exp_")]
    n_e = max(numbers, default=0) + 1
    zero = torch.zeros(t)
    gaze = from_euler(channel("gaze_yaw"), channel("gaze_pitch"), zero)
    lids = [channel(f"eyelid_{side}") for side in ("left", "right")]
    params = HeadParams(
        shape=torch.zeros(1),
        expression=torch.stack([channel(f"exp_{k}") for k in range(n_e)], 1),
        global_pose=from_euler(channel("yaw"), channel("pitch"), channel("roll")),
        jaw_pose=torch.stack([torch.deg2rad(channel("jaw")), zero, zero], 1),
        neck_pose=torch.zeros(t, 3),
        eye_pose=torch.cat([gaze, gaze], 1),
        eyelids=torch.stack(lids, 1) if _names_lids(keys) else None,
        basis=head.basis,
    )
    return HeadTrack(
        params,
        _camera(head, t),
        torch.zeros(50),
        FRONT_LIGHT.repeat(t, 1, 1),
        torch.eye(3).repeat(t, 1, 1),
        torch.ones(t, dtype=torch.bool),
        (CROP_SIZE, CROP_SIZE),
        keys.fps,
        HAND_MADE,
    )


def _names_lids(keys: Keyframes) -> bool:
    return any(name.startswith("eyelid_") for name in keys.channels)


def curve(points: dict[int, float], frames: int) -> Tensor:
    """(frames,) through the keys (frame -> value): monotone between, held outside."""
    if len(points) < 2:
        return torch.full((frames,), next(iter(points.values()), 0.0))
    at = sorted(points)
    inside = np.clip(np.arange(frames), at[0], at[-1])
    values = PchipInterpolator(at, [points[frame] for frame in at])(inside)
    return torch.from_numpy(values).float()


def _camera(head: HeadModel, frames: int) -> Camera:
    """The whole head in the middle of the crop."""
    low, high = head.template.amin(1).cpu(), head.template.amax(1).cpu()
    scale = _FILL / float((high - low)[:2].max())
    middle = -(low + high)[:2] / 2
    return Camera(torch.full((frames,), scale), middle.repeat(frames, 1))
