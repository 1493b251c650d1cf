"""Key frames laid on a tracked motion: some channels written anew, or added to.

Only the channels that have keys change. They are those of `keyframes`, and as there a curve is held
before its first key and after its last: to add something for a while, begin and end it with 0.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import torch
from torch import Tensor

from ...checks import check_choice
from ...errors import InputError
from ...types import HeadParams, HeadTrack
from ..head_model import HeadModel
from ..motion.gains import padded
from ..rotations import from_euler, to_euler
from .files import EXPRESSION_RANGE, RANGES, Keyframes
from .keyframes import curve

WAYS = ("replace", "add")


def keyed(track: HeadTrack, keys: Keyframes, head: HeadModel, way: str = "replace") -> HeadTrack:
    """The track with key frames on it.

    Args:
        keys: in the track's own frames; their rate and number of frames play no part.
        head: the track's.
        way: "replace": the channel has the keys' values, in degrees and coefficients; "add": they
            are added to what was tracked.

    Raises InputError for a key beyond the track.
    """
    check_choice("way", way, WAYS)
    head.check(track.params, "the track's parameters")
    last = max((frame for points in keys.channels.values() for frame in points), default=0)
    if last >= len(track):
        raise InputError(
            f"a key stands at frame {last}, the clip has {len(track)} frames, counted from 0"
        )
    n_e = max([int(n[4:]) + 1 for n in keys.channels if n.startswith("exp_")], default=0)
    p = track.params
    expression = padded(p.expression, max(n_e, p.expression.shape[1])).clone()
    p = replace(p, expression=expression)

    def laid(name: str, values: Tensor) -> Tensor:
        """(t,) a channel with its keys on it."""
        points = keys.channels.get(name)
        if points is None:
            return values
        drawn = curve(points, len(track)).to(values)
        low, high = RANGES.get(name, EXPRESSION_RANGE)
        return (drawn if way == "replace" else values + drawn).clamp(low, high)

    for name in keys.channels:
        if name.startswith("exp_"):
            k = int(name[4:])
            expression[:, k] = laid(name, expression[:, k])
    return replace(track, params=_moved(p, laid, set(keys.channels)))


def _moved(p: HeadParams, laid: Callable[[str, Tensor], Tensor], named: set[str]) -> HeadParams:
    more: dict[str, Tensor] = {}
    if named & {"yaw", "pitch", "roll"}:
        angles = to_euler(p.global_pose)
        more["global_pose"] = from_euler(
            *(laid(n, a) for n, a in zip(("yaw", "pitch", "roll"), angles, strict=True))
        )
    if "jaw" in named:
        degrees = laid("jaw", torch.rad2deg(p.jaw_pose[:, 0]))
        more["jaw_pose"] = torch.cat([torch.deg2rad(degrees)[:, None], p.jaw_pose[:, 1:]], 1)
    if named & {"gaze_yaw", "gaze_pitch"}:
        eyes = []
        for eye in p.eye_pose.split(3, 1):
            yaw, pitch, roll = to_euler(eye)
            eyes.append(from_euler(laid("gaze_yaw", yaw), laid("gaze_pitch", pitch), roll))
        more["eye_pose"] = torch.cat(eyes, 1)
    if named & {"eyelid_left", "eyelid_right"}:
        lids = p.expression.new_zeros(len(p), 2) if p.eyelids is None else p.eyelids
        sides = zip(("eyelid_left", "eyelid_right"), lids.unbind(1), strict=True)
        more["eyelids"] = torch.stack([laid(name, lid) for name, lid in sides], 1)
    return replace(p, **more)
