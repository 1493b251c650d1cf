"""Face tracks on disk: one safetensors file that says what it holds.

Metadata (all strings): kind "landmarks", format_version "1", fps "24/1", height and width in px.
"""

from __future__ import annotations

import os
from fractions import Fraction
from pathlib import Path

from safetensors import SafetensorError, safe_open
from safetensors.torch import save_file

from .errors import InputError
from .files import replacing
from .types import FaceTrack

KIND = "landmarks"
FORMAT_VERSION = "1"
_TENSORS = ("boxes", "landmarks", "scores", "valid")
_ADVICE = "make one with `magicportrait track VIDEO -o track.safetensors`."


def save_track(path: str | os.PathLike, track: FaceTrack) -> None:
    """Write a track, beside and renamed; InputError where the folder does not exist."""
    height, width = track.frame_size
    metadata = {
        "kind": KIND,
        "format_version": FORMAT_VERSION,
        "fps": f"{track.fps.numerator}/{track.fps.denominator}",
        "height": str(height),
        "width": str(width),
    }
    tensors = {name: getattr(track, name).detach().cpu().contiguous() for name in _TENSORS}
    with replacing(path) as temporary:
        save_file(tensors, temporary, metadata)


def load_track(path: str | os.PathLike) -> FaceTrack:
    """Read what :func:`save_track` wrote.

    Raises InputError, with the command that makes the right file, for one that is missing, of
    another kind, of a later version or damaged.
    """
    path = Path(path)
    if not path.is_file():
        raise InputError(f"The track {path} does not exist: {_ADVICE}")
    try:
        with safe_open(path, "pt") as file:
            metadata = file.metadata() or {}
            names = set(file.keys())
            tensors = {name: file.get_tensor(name) for name in _TENSORS if name in names}
    except (SafetensorError, OSError) as error:
        raise InputError(f"{path.name} is not a track file ({error}): {_ADVICE}") from error
    kind = metadata.get("kind", "none")
    if kind != KIND:
        raise InputError(f"{path.name} is of kind {kind}, a face track is wanted: {_ADVICE}")
    if metadata.get("format_version") != FORMAT_VERSION:
        raise InputError(
            f"{path.name} has track format {metadata.get('format_version')}, this version reads "
            f"{FORMAT_VERSION}: {_ADVICE}"
        )
    missing = [name for name in _TENSORS if name not in tensors]
    if missing:
        raise InputError(f"{path.name} lacks {', '.join(missing)}: {_ADVICE}")
    try:
        size = int(metadata["height"]), int(metadata["width"])
        return FaceTrack(**tensors, frame_size=size, fps=Fraction(metadata["fps"]))
    except (KeyError, ValueError, ZeroDivisionError) as error:
        raise InputError(f"{path.name} is damaged ({error}): {_ADVICE}") from error
