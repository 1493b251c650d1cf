"""Files of `HeadTrack`, kind flame: of any head model, which its basis names."""

from __future__ import annotations

import os
from collections.abc import Mapping
from pathlib import Path

import torch
from torch import Tensor

from ..errors import InputError
from ..types import Camera, HeadParams, HeadTrack
from .store import building, flags, floats, frame_metadata, read, read_frame, write

KIND = "flame"
_PARAMS = ("shape", "expression", "global_pose", "jaw_pose", "neck_pose", "eye_pose")
_CAMERA = ("scale", "translation")
_OWN = ("texture", "lighting", "crop_from_frame")


def save_head_track(path: str | os.PathLike, track: HeadTrack) -> None:
    """Write a track, beside and renamed; InputError where the folder does not exist."""
    write(path, KIND, *packed(track))


def load_head_track(path: str | os.PathLike) -> HeadTrack:
    """Read what :func:`save_head_track` wrote.

    Raises InputError, with the command that makes the right file, for one that is missing, of
    another kind, of a later version or damaged. Whether its head model is the one at hand is
    checked where the two meet, by `HeadModel.check`.
    """
    path = Path(path)
    metadata, tensors = read(path, KIND)
    with building(path, KIND):
        return unpacked(tensors, metadata)


def packed(track: HeadTrack) -> tuple[dict[str, Tensor], dict[str, str]]:
    """A track as tensors and metadata."""
    tensors = {name: getattr(track.params, name) for name in _PARAMS}
    if track.params.eyelids is not None:
        tensors["eyelids"] = track.params.eyelids
    tensors |= {name: getattr(track.camera, name) for name in _CAMERA}
    tensors |= {name: getattr(track, name) for name in (*_OWN, "valid")}
    frame = frame_metadata(track.fps, track.frame_size)
    return tensors, {**frame, "tracker": track.tracker, "basis": track.params.basis}


def unpacked(tensors: Mapping[str, Tensor], metadata: Mapping[str, str]) -> HeadTrack:
    """The track that `packed` took apart; KeyError or InputError where something is wrong."""
    fps, size = read_frame(metadata)
    numbers = {name: floats(tensors, name) for name in (*_PARAMS, *_CAMERA, *_OWN)}
    eyelids = floats(tensors, "eyelids") if "eyelids" in tensors else None
    track = HeadTrack(
        HeadParams(
            **{name: numbers[name] for name in _PARAMS}, eyelids=eyelids, basis=metadata["basis"]
        ),
        Camera(*(numbers[name] for name in _CAMERA)),
        **{name: numbers[name] for name in _OWN},
        valid=flags(tensors, "valid"),
        frame_size=size,
        fps=fps,
        tracker=metadata["tracker"],
    )
    if not len(track):
        raise InputError("it has no frames")
    if not (track.camera.scale > 0).all():
        raise InputError("scale must be above 0")
    if not (torch.linalg.det(track.crop_from_frame).abs() > 1e-9).all():
        raise InputError("crop_from_frame cannot be undone")
    return track
