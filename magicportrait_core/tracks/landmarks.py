"""Files of `FaceTrack`, kind landmarks."""

from __future__ import annotations

import os
from pathlib import Path

from ..types import FaceTrack
from .store import building, flags, floats, frame_metadata, read, read_frame, write

KIND = "landmarks"
_NUMBERS = ("boxes", "landmarks", "scores")


def save_track(path: str | os.PathLike, track: FaceTrack) -> None:
    """Write a track, beside and renamed; InputError where the folder does not exist."""
    tensors = {name: getattr(track, name) for name in (*_NUMBERS, "valid")}
    write(path, KIND, tensors, frame_metadata(track.fps, track.frame_size))


def load_track(path: str | os.PathLike) -> FaceTrack:
    """Read what :func:`save_track` wrote.

    Raises InputError, with the command that makes the right file, for one that is missing, of
    another kind, of a later version or damaged.
    """
    path = Path(path)
    metadata, tensors = read(path, KIND)
    with building(path, KIND):
        fps, size = read_frame(metadata)
        numbers = {name: floats(tensors, name) for name in _NUMBERS}
        return FaceTrack(**numbers, valid=flags(tensors, "valid"), frame_size=size, fps=fps)
