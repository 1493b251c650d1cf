"""One picture in, one picture out, through Pillow."""

from __future__ import annotations

import os
from io import BytesIO
from pathlib import Path

import numpy as np
import torch
from PIL import Image, ImageOps, UnidentifiedImageError
from torch import Tensor

from ..errors import InputError
from ..files import check_output_path, replacing
from .container import MediaSource, as_source
from .pixels import GREY, composite

_FORMATS = ("PNG", "JPEG", "WEBP", "BMP", "TIFF", "GIF", "PPM")
MIN_SIDE = 64  #: px; less holds no face that could be drawn
MAX_PIXELS = 80_000_000
_JPEG = ("JPEG", {"quality": 95, "subsampling": 0})
_KINDS = {".png": ("PNG", {}), ".jpg": _JPEG, ".jpeg": _JPEG}


def open_image(
    path: str | os.PathLike | BytesIO, *, background: tuple[int, int, int] = GREY
) -> Tensor:
    """Read one picture, (3, h, w) uint8 RGB.

    EXIF orientation is applied, transparent parts are laid over ``background``. Raises InputError
    for a file that is missing or no picture, a side below 64 px or more than 80 million pixels.
    """
    source, name = as_source(path)
    with open_pillow(source, name) as image:
        if min(image.size) < MIN_SIDE:
            raise InputError(
                f"{name} is {image.width}x{image.height} px: a picture needs at least "
                f"{MIN_SIDE} px on each side."
            )
        return image_tensor(image, name, background)


def open_pillow(source: MediaSource, name: str) -> Image.Image:
    """Open lazily (``with``); raise InputError where it is no picture or a huge one."""
    if isinstance(source, Path) and source.is_dir():
        raise InputError(f"{source} is a folder: give the picture in it.")
    try:
        opened = Image.open(_as_file(source), "r", _FORMATS)
    except UnidentifiedImageError as error:
        raise InputError(f"{name} is not a picture that can be read.") from error
    except Image.DecompressionBombError as error:
        raise InputError(f"{name} is too large: {error}") from error
    except OSError as error:
        raise InputError(f"{name} cannot be read: {error}.") from error
    if opened.width * opened.height > MAX_PIXELS:
        opened.close()
        raise InputError(
            f"{name} is too large: {opened.width}x{opened.height} px, at most "
            f"{MAX_PIXELS // 1_000_000} million pixels can be read."
        )
    return opened


def picture_kind(source: MediaSource, name: str) -> str:
    """ "still", "animated webp", or "container" for what FFmpeg reads: GIF, PNG that moves, video.

    The content decides, not the suffix.
    """
    try:
        with Image.open(_as_file(source), "r", _FORMATS) as image:
            moves = getattr(image, "is_animated", False)
            if image.format == "GIF" or (moves and image.format == "PNG"):
                return "container"
            return "animated webp" if moves and image.format == "WEBP" else "still"
    except UnidentifiedImageError:
        return "container"
    except (OSError, Image.DecompressionBombError):
        return "still"  # whose reader says what is wrong


def image_tensor(image: Image.Image, name: str, background: tuple[int, int, int]) -> Tensor:
    """The loaded, upright picture, (3, h, w) uint8 RGB."""
    try:
        image.load()
    except (OSError, SyntaxError, ValueError) as error:
        raise InputError(f"{name} is damaged: {error}.") from error
    upright = ImageOps.exif_transpose(image)
    if upright.mode.startswith(("I", "F")):
        grey = torch.from_numpy(np.asarray(upright).astype(np.float32))
        scale = 257.0 if grey.max() > 255 else 1.0
        return (grey / scale).round().clamp(0, 255).to(torch.uint8).expand(3, -1, -1).contiguous()
    if not upright.has_transparency_data:
        return _to_tensor(upright.convert("RGB"))
    pixels = _to_tensor(upright.convert("RGBA"))
    return composite(pixels[:3], pixels[3], background)


def check_image_path(path: str | os.PathLike) -> Path:
    """Return ``path`` as a Path, or raise InputError where write_image would refuse it."""
    path = check_output_path(path)
    if path.suffix.lower() not in _KINDS:
        raise InputError(f"A picture is written as .png or .jpg, got {path.name}")
    return path


def write_image(path: str | os.PathLike, image: Tensor) -> None:
    """Write (3, h, w), uint8 or float 0..1, as .png or .jpg: beside, then renamed.

    Raises InputError for another suffix or a folder that does not exist.
    """
    kind, options = _KINDS[check_image_path(path).suffix.lower()]
    if image.ndim != 3 or image.shape[0] != 3:
        raise InputError(f"image must be (3, h, w), got {tuple(image.shape)}")
    if image.is_floating_point():
        image = image.clamp(0, 1).mul(255).round().to(torch.uint8)
    picture = Image.fromarray(image.permute(1, 2, 0).contiguous().cpu().numpy())
    with replacing(path) as temporary:
        picture.save(temporary, kind, **options)


def _as_file(source: MediaSource) -> Path | BytesIO:
    return BytesIO(source) if isinstance(source, bytes) else source


def _to_tensor(image: Image.Image) -> Tensor:
    return torch.from_numpy(np.array(image)).permute(2, 0, 1).contiguous()
