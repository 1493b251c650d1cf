"""What is installed, which engine would run, and what is missing."""

from __future__ import annotations

import os
import platform
from dataclasses import dataclass
from importlib.metadata import PackageNotFoundError, version
from importlib.resources import files
from pathlib import Path

import av
import torch

from . import __version__
from .engines import EngineChoice, choose_engine
from .flame.library.library import heads
from .model_files.head_models import TrackerState, tracker_states
from .weights.catalog import CATALOG
from .weights.folders import models_folder

PACKAGES = ("torch", "numpy", "scipy", "av", "pillow", "safetensors", "matplotlib", "typer", "rich")


@dataclass(frozen=True)
class Part:
    """A file or model: what it is for, where it comes from and under which licence."""

    name: str
    purpose: str
    source: str
    licence: str
    present: bool


#: name, purpose, source, licence, path in the package
_SHIPPED = (
    (
        *("BlazeFace short range", "finds faces", "MediaPipe 0.10.21", "Apache-2.0"),
        "faces/weights/blazeface_short.safetensors",
    ),
    (
        *("attention mesh", "478 landmarks a face", "MediaPipe 0.10.21", "Apache-2.0"),
        "faces/weights/attention_mesh.safetensors",
    ),
    ("portrait of Eileen Collins", "demo", "NASA", "public domain", "data/portrait.jpg"),
)


@dataclass(frozen=True)
class Diagnosis:
    """The state of this installation."""

    version: str
    python: str
    system: str
    packages: dict[str, str | None]  #: None: not installed
    ffmpeg: str  #: the libraries inside av
    devices: tuple[str, ...]
    engine: EngineChoice  #: what auto takes
    shipped: tuple[Part, ...]
    files: tuple[Part, ...]  #: what trackers and the diffusion engine take, from the catalogue
    models: str  #: the models folder
    heads: tuple[str, ...]  #: head models converted there, auto's first
    trackers: tuple[TrackerState, ...]  #: which could follow a head


def diagnose(models: str | os.PathLike | None = None) -> Diagnosis:
    """Look at packages, devices and files; nothing is loaded or downloaded.

    models: the models folder; None: `weights.folders.models_folder`.
    """
    root, models = files(__package__), models_folder(models)
    shipped = tuple(Part(*facts, root.joinpath(path).is_file()) for *facts, path in _SHIPPED)
    return Diagnosis(
        __version__,
        platform.python_version(),
        platform.platform(),
        {name: _version(name) for name in PACKAGES},
        ".".join(str(n) for n in av.library_versions["libavcodec"]),
        devices(),
        choose_engine(models=models),
        shipped,
        _catalogue(models),
        str(models),
        tuple(heads(models / "flame")),
        tracker_states(models / "flame"),
    )


def _catalogue(models: Path) -> tuple[Part, ...]:
    return tuple(
        Part(e.name, e.purpose, e.address, e.licence, e.found_in(models / e.kind) is not None)
        for e in CATALOG
    )


def devices() -> tuple[str, ...]:
    """What torch could compute on here."""
    found = [f"cpu: {torch.get_num_threads()} threads"]
    for index in range(torch.cuda.device_count()):
        found.append(f"cuda:{index}: {torch.cuda.get_device_name(index)}")
    if torch.backends.mps.is_available():
        found.append("mps")
    return tuple(found)


def _version(name: str) -> str | None:
    try:
        return version(name)
    except PackageNotFoundError:
        return None
