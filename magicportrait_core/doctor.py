"""What is installed, which engine would run, and what is missing."""

from __future__ import annotations

import platform
from dataclasses import dataclass
from importlib.metadata import PackageNotFoundError, version
from importlib.resources import files

import av
import torch

from . import __version__
from .engines import EngineChoice, choose_engine

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

#: name, purpose, source, licence
_DIFFUSION = (
    (
        *("MagicPortrait", "reference, denoising and guidance networks"),
        *("huggingface.co/mengtingwei/MagicPortrait", "Apache-2.0, as its page says"),
    ),
    (
        *("Stable Diffusion 1.5", "base of both networks, text encoder"),
        "huggingface.co/stable-diffusion-v1-5/stable-diffusion-v1-5",
        "CreativeML OpenRAIL-M",
    ),
    ("sd-vae-ft-mse", "picture codec", "huggingface.co/stabilityai/sd-vae-ft-mse", "MIT"),
    ("FLAME 2020", "head model", "flame.is.tue.mpg.de, by registration", "its own, read it there"),
    ("DECA", "shape, texture and light", "github.com/yfeng95/DECA", "non-commercial"),
    ("SMIRK", "expression and jaw", "github.com/georgeretsi/smirk", "MIT (its code)"),
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
    missing: tuple[Part, ...]  #: what the diffusion engine takes once it is part of a version


def diagnose() -> Diagnosis:
    """Look at packages, devices and files; nothing is loaded or downloaded."""
    root = files(__package__)
    shipped = tuple(Part(*facts, root.joinpath(path).is_file()) for *facts, path in _SHIPPED)
    return Diagnosis(
        __version__,
        platform.python_version(),
        platform.platform(),
        {name: _version(name) for name in PACKAGES},
        ".".join(str(n) for n in av.library_versions["libavcodec"]),
        devices(),
        choose_engine(),
        shipped,
        tuple(Part(*facts, False) for facts in _DIFFUSION),
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
