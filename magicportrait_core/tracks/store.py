"""One file, read and written whole: what every kind of track has in common."""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from fractions import Fraction
from pathlib import Path

import torch
from safetensors import SafetensorError, safe_open
from safetensors.torch import save_file
from torch import Tensor

from ..errors import InputError
from ..files import replacing
from ..weights.advice import command
from ..weights.state_files import is_safetensors

FORMAT_VERSION = "1"
#: kind -> what it is called, and the words of the command that makes one
KINDS = {
    "landmarks": ("a face track", "track VIDEO -o track.safetensors"),
    "flame": ("a head track", "track VIDEO --tracker landmark_fit -o track.safetensors"),
    "motion": ("a motion track", "maps TRACK PORTRAIT -o maps.mp4"),
}


def kind_of(path: str | os.PathLike) -> str:
    """landmarks, flame or motion, without reading the tensors. Raises InputError for others."""
    path = Path(path)
    with _opened(path, "landmarks") as file:
        kind = (file.metadata() or {}).get("kind", "none")
    if kind not in KINDS:
        raise InputError(f"{path.name} is of kind {kind}, no track: {_remedy('landmarks')}")
    return kind


def write(
    path: str | os.PathLike, kind: str, tensors: Mapping[str, Tensor], metadata: Mapping[str, str]
) -> None:
    """Write beside and rename; InputError where the folder does not exist."""
    given = {"kind": kind, "format_version": FORMAT_VERSION, **metadata}
    with replacing(path) as temporary:
        save_file({name: _plain(tensor) for name, tensor in tensors.items()}, temporary, given)


def read(path: Path, kind: str) -> tuple[dict[str, str], dict[str, Tensor]]:
    """Metadata and tensors of a file of this kind and of a version that is understood.

    Raises InputError, with the command that makes the right file, for one that is missing, of
    another kind, of a later version or damaged.
    """
    what, advice = KINDS[kind][0], _remedy(kind)
    with _opened(path, kind) as file:
        metadata = file.metadata() or {}
        found, version = metadata.get("kind", "none"), metadata.get("format_version", "none")
        if found != kind:
            raise InputError(f"{path.name} is of kind {found}, {what} is wanted: {advice}")
        if version != FORMAT_VERSION:
            raise InputError(
                f"{path.name} has track format {version}, this version reads {FORMAT_VERSION}: "
                f"update magicportrait, or {advice}"
            )
        tensors = {name: file.get_tensor(name) for name in file.keys()}
    return metadata, tensors


@contextmanager
def building(path: Path, kind: str) -> Iterator[None]:
    """Whatever is wrong with what a file holds becomes one sentence about the file."""
    try:
        yield
    except KeyError as error:
        raise InputError(f"{path.name} lacks {error.args[0]}: {_remedy(kind)}") from error
    except (ValueError, TypeError, ZeroDivisionError) as error:
        raise InputError(f"{path.name} is damaged ({error}): {_remedy(kind)}") from error


def floats(tensors: Mapping[str, Tensor], name: str) -> Tensor:
    """A tensor of finite float32 numbers."""
    tensor = tensors[name]
    if tensor.dtype != torch.float32:
        raise InputError(f"{name} must be float32, got {tensor.dtype}")
    if not tensor.isfinite().all():
        raise InputError(f"{name} must be finite numbers")
    return tensor


def flags(tensors: Mapping[str, Tensor], name: str) -> Tensor:
    """A tensor of bool."""
    if tensors[name].dtype != torch.bool:
        raise InputError(f"{name} must be bool, got {tensors[name].dtype}")
    return tensors[name]


def frame_metadata(fps: Fraction, frame_size: tuple[int, int]) -> dict[str, str]:
    """fps, height and width as metadata."""
    height, width = frame_size
    fps = Fraction(fps)
    return {
        "fps": f"{fps.numerator}/{fps.denominator}",
        "height": str(height),
        "width": str(width),
    }


def read_frame(metadata: Mapping[str, str]) -> tuple[Fraction, tuple[int, int]]:
    """What `frame_metadata` wrote: fps and (h, w)."""
    fps = Fraction(metadata["fps"])
    size = int(metadata["height"]), int(metadata["width"])
    if fps <= 0 or min(size) <= 0:
        raise InputError(f"{metadata['fps']} fps at {size[1]}x{size[0]}")
    return fps, size


@contextmanager
def _opened(path: Path, kind: str) -> Iterator[safe_open]:
    advice = _remedy(kind)
    if not path.is_file():
        raise InputError(f"The track {path} does not exist: {advice}")
    try:
        with safe_open(path, "pt") as file:
            yield file
    except (SafetensorError, OSError) as error:
        fault = (
            "is damaged, or its end is missing" if is_safetensors(path) else "is not a track file"
        )
        raise InputError(f"{path.name} {fault}: {advice}") from error


def _plain(tensor: Tensor) -> Tensor:
    """A copy of its own, as it is stored: CPU, contiguous, float32 or bool."""
    tensor = tensor.detach().cpu()
    if tensor.is_floating_point():
        tensor = tensor.float()
    return tensor.clone(memory_format=torch.contiguous_format)


def _remedy(kind: str) -> str:
    return f"make one with {command(KINDS[kind][1])}."
