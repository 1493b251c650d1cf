"""Folders of pictures, and single ones, as clips."""

from __future__ import annotations

import re
from collections.abc import Iterator
from fractions import Fraction
from pathlib import Path

from ..errors import InputError
from ..types import VideoFrame
from .container import MediaSource
from .images import image_tensor, open_pillow
from .timing import Plan

IMAGE_SUFFIXES = (".png", ".jpg", ".jpeg", ".webp", ".bmp", ".tif", ".tiff")
_EXIF_ORIENTATION = 0x0112


def natural_key(path: Path) -> list[tuple[int, int | str]]:
    """frame2 before frame10."""
    parts = re.split(r"(\d+)", path.name.casefold())
    return [(0, int(part)) if part.isdecimal() else (1, part) for part in parts]


def list_images(folder: Path) -> list[Path]:
    """The pictures of a folder in natural order, hidden files left out."""
    names = (p for p in folder.iterdir() if p.suffix.lower() in IMAGE_SUFFIXES and p.is_file())
    found = sorted((p for p in names if not p.name.startswith(".")), key=natural_key)
    if not found:
        raise InputError(f"The folder {folder} holds no pictures ({', '.join(IMAGE_SUFFIXES)}).")
    return found


def upright_size(source: MediaSource, name: str) -> tuple[int, int]:
    """(h, w) as shown, from the header alone."""
    with open_pillow(source, name) as image:
        turned = image.getexif().get(_EXIF_ORIENTATION, 1) >= 5
        return (image.width, image.height) if turned else (image.height, image.width)


def check_same_size(files: list[Path]) -> tuple[int, int]:
    """(h, w) of all ``files``; InputError names the first that differs."""
    height, width = upright_size(files[0], files[0].name)
    for file in files[1:]:
        h, w = upright_size(file, file.name)
        if (h, w) != (height, width):
            raise InputError(
                f"The pictures of {file.parent} differ in size: {files[0].name} is "
                f"{width}x{height}, {file.name} is {w}x{h}."
            )
    return height, width


class StillFrames:
    """Picture files as the frames of a clip; each is read when its turn comes."""

    def __init__(
        self, sources: list[MediaSource], names: list[str], plan: Plan, fps: Fraction, background
    ) -> None:
        self._sources, self._names = sources, names
        self._plan, self._fps, self._background = plan, fps, background

    def __iter__(self) -> Iterator[VideoFrame]:
        for number in self._plan.indices:
            name = self._names[number]
            with open_pillow(self._sources[number], name) as image:
                pixels = image_tensor(image, name, self._background)
            yield VideoFrame(pixels, float(number / self._fps))
