"""What the bytes of a run depend on, as JSON: settings, inputs, weights, versions, machine."""

from __future__ import annotations

import hashlib
import platform
from collections.abc import Iterable, Mapping
from dataclasses import fields, is_dataclass
from fractions import Fraction
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any

import torch

from .. import __version__
from ..diffusion.checkpoints.model_files import ModelFiles
from ..errors import InputError

_PACKAGES = ("torch", "numpy", "scipy", "safetensors", "av", "pillow")
_WHOLE = 64 << 20  #: bytes up to which a file is read whole
_PART, _PARTS = 1 << 16, 64  #: of a larger one, so many bytes at so many places


def machine(device: torch.device, dtype: torch.dtype) -> dict[str, Any]:
    """Where it is computed, and how."""
    name = torch.backends.cpu.get_cpu_capability()
    if device.type == "cuda":
        name = f"{torch.cuda.get_device_name(device)}, CUDA {torch.version.cuda}"
    return {
        "system": f"{platform.system()} {platform.machine()}",
        "device": f"{device.type}: {name}",
        "dtype": str(dtype).removeprefix("torch."),
        "threads": torch.get_num_threads(),
    }


def versions(*optional: str) -> dict[str, str | None]:
    """Of this package and those whose arithmetic or encoders make the bytes."""
    return {"magicportrait": __version__, **{n: _version(n) for n in (*_PACKAGES, *optional)}}


def weights(files: ModelFiles) -> dict[str, Any]:
    """Each part of the networks with its files."""
    parts: dict[str, Iterable[Path]] = {
        **files.parts,
        "vae": () if files.vae is None else (files.vae,),
        "text": () if files.text is None else (files.text,),
    }
    known: dict[Path, str] = {}
    return {
        part: [f"{path.name} {_cached(path, known)}" for path in paths]
        for part, paths in parts.items()
    }


def fingerprint(path: str | Path) -> str:
    """Size and SHA-256 of a file, or of all in a folder.

    Of a file over 64 MB 64 parts are read, its beginning and its end among them: enough to tell
    one checkpoint from another in no time.
    """
    path, digest, size = Path(path), hashlib.sha256(), 0
    folder = path.is_dir()
    try:
        for file in sorted(p for p in path.rglob("*") if p.is_file()) if folder else [path]:
            if folder:
                digest.update(file.relative_to(path).as_posix().encode())
            size += file.stat().st_size
            _add(digest, file, file.stat().st_size)
    except OSError as error:
        raise InputError(f"{path} cannot be read: {error.strerror}.") from error
    return f"{size} bytes, {digest.hexdigest()[:32]}"


def plain(value: Any) -> Any:
    """Settings as JSON has them: dataclasses are dictionaries, what is no number is a text."""
    if is_dataclass(value):
        return {f.name: plain(getattr(value, f.name)) for f in fields(value)}
    if isinstance(value, Mapping):
        return {str(name): plain(inner) for name, inner in value.items()}
    if isinstance(value, (list, tuple)):
        return [plain(inner) for inner in value]
    if isinstance(value, (str, bool, int, float)) or value is None:
        return value
    return str(Fraction(value)) if isinstance(value, Fraction) else str(value)


def _add(digest: Any, file: Path, size: int) -> None:
    with file.open("rb") as opened:
        if size <= _WHOLE:
            while block := opened.read(1 << 20):
                digest.update(block)
            return
        for number in range(_PARTS):
            opened.seek((size - _PART) * number // (_PARTS - 1))
            digest.update(opened.read(_PART))


def _cached(path: Path, known: dict[Path, str]) -> str:
    if path not in known:
        known[path] = fingerprint(path)
    return known[path]


def _version(name: str) -> str | None:
    try:
        return version(name)
    except PackageNotFoundError:
        return None
