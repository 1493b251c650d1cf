"""Files of `MotionTrack`, kind motion: portrait, driver and how the one moves the other."""

from __future__ import annotations

import json
import os
from collections.abc import Mapping
from dataclasses import asdict
from pathlib import Path
from typing import TypeVar

from ..errors import InputError
from ..types import MotionTrack, TransferSettings
from .heads import packed, unpacked
from .store import building, floats, frame_metadata, read, write

KIND = "motion"
_PARTS = ("portrait", "driver")
_SOURCE = "portrait_from_source"

T = TypeVar("T")


def save_motion(path: str | os.PathLike, motion: MotionTrack) -> None:
    """Write a motion, beside and renamed; InputError where the folder does not exist."""
    metadata = frame_metadata(motion.driver.fps, motion.portrait.frame_size)
    metadata["settings"] = json.dumps(asdict(motion.settings))
    tensors = {}
    for part in _PARTS:
        own, about = packed(getattr(motion, part))
        tensors |= {f"{part}.{name}": tensor for name, tensor in own.items()}
        metadata |= {f"{part}.{name}": text for name, text in about.items()}
    if motion.portrait_from_source is not None:
        tensors[_SOURCE] = motion.portrait_from_source
    write(path, KIND, tensors, metadata)


def load_motion(path: str | os.PathLike) -> MotionTrack:
    """Read what :func:`save_motion` wrote.

    Raises InputError, with the command that makes the right file, for one that is missing, of
    another kind, of a later version or damaged.
    """
    path = Path(path)
    metadata, tensors = read(path, KIND)
    with building(path, KIND):
        parts = {}
        for part in _PARTS:
            try:
                parts[part] = unpacked(_below(part, tensors), _below(part, metadata))
            except KeyError as error:
                raise KeyError(f"{part}.{error.args[0]}") from error
        source = floats(tensors, _SOURCE) if _SOURCE in tensors else None
        return MotionTrack(
            **parts, settings=_settings(metadata["settings"]), portrait_from_source=source
        )


def _below(part: str, named: Mapping[str, T]) -> dict[str, T]:
    """What stands under ``part``, without its name."""
    start = f"{part}."
    return {name[len(start) :]: v for name, v in named.items() if name.startswith(start)}


def _settings(text: str) -> TransferSettings:
    try:
        given = json.loads(text)
    except RecursionError as error:
        raise InputError("its settings are no JSON") from error
    if not isinstance(given, dict):
        raise InputError("its settings are no JSON object")
    return TransferSettings(**given)
