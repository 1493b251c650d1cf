"""What is opened and checked before the long work: inputs, weights, LoRAs, the run folder."""

from __future__ import annotations

import warnings
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from ..diffusion.checkpoints.model_files import ModelFiles, check_whole, find_model_files
from ..diffusion.checkpoints.weight_files import said_of_choice
from ..diffusion.context_windows import context_windows
from ..drivers import FaceChoice, Trimming
from ..errors import MagicPortraitWarning
from ..files import keep_inputs, keep_outside
from ..motion.pipeline import HeadFiles
from ..types import Progress, VideoClip
from ..video import check_video_path, open_image
from ..weights.folders import models_folder
from . import record
from .beginning import open_start
from .motion import Source, head_files, open_source
from .networks import check_loras
from .runs import RunFolder
from .settings import PREVIEW, DiffusionSettings


@dataclass(frozen=True)
class Inputs:
    """What the user named: files, and how they are read."""

    portrait: str | Path
    driving: str | Path
    output: Path
    place: Path  #: the run folder
    face: FaceChoice | None = None
    trim: Trimming | None = None
    codec: str = "h264"

    def read(self, settings: DiffusionSettings) -> dict[str, str | Path]:
        """Name -> file of all that is read but the weights and LoRAs."""
        given = {"portrait": self.portrait, "driving": self.driving}
        own = settings.init is None or settings.init == PREVIEW
        return given if own else given | {"init": settings.init}

    def check(self, settings: DiffusionSettings) -> None:
        """Raise InputError where something that is read would be written over."""
        read = self.read(settings).values()
        keep_inputs(check_video_path(self.output, self.codec), *read)
        keep_outside(self.place, *read, *(lora.file for lora in settings.loras))


@dataclass(frozen=True)
class Job:
    """What was opened."""

    inputs: Inputs
    settings: DiffusionSettings
    device: torch.device
    picture: Tensor  #: (3, h, w) uint8, the portrait
    source: Source
    head: HeadFiles | None
    files: ModelFiles
    folder: RunFolder

    @property
    def frames(self) -> int:
        return _length(self.source)


def open_job(
    inputs: Inputs,
    settings: DiffusionSettings,
    models: str | Path | None,
    resume: bool,
    device: torch.device,
    progress: Progress,
) -> Job:
    """Open all that a run reads, and its folder. Raises InputError."""
    models = models_folder(models)
    files = find_model_files(models, exact=settings.exact_weights)
    check_whole(files)
    if said := said_of_choice(models, files, settings.exact_weights):
        warnings.warn(said, MagicPortraitWarning, stacklevel=3)
    check_loras(files, settings)
    picture = open_image(inputs.portrait)
    head = head_files(settings, models, progress)
    source = open_source(inputs.driving, inputs.face, inputs.trim, head, settings)
    open_start(settings.init, _length(source))
    setup = _setup(inputs, settings, head, files, device)
    folder = RunFolder.begin(inputs.place, setup, resume)
    if device.type == "cpu":
        warnings.warn(_said_of_time(_length(source), settings), MagicPortraitWarning, stacklevel=3)
    return Job(inputs, settings, device, picture, source, head, files, folder)


def _setup(
    inputs: Inputs,
    settings: DiffusionSettings,
    head: HeadFiles | None,
    files: ModelFiles,
    device: torch.device,
) -> Mapping[str, Any]:
    """What the run's bytes depend on."""
    read = inputs.read(settings)
    return {
        "settings": record.plain(settings),
        "face": record.plain(inputs.face or FaceChoice()),
        "part": record.plain(inputs.trim or Trimming()),
        "codec": inputs.codec,
        "head": head and {"name": head.head.name, "basis": head.head.basis},
        "inputs": {name: record.fingerprint(path) for name, path in read.items()},
        "loras": [record.fingerprint(lora.file) for lora in settings.loras],
        "weights": record.weights(files),
        "machine": record.machine(device, settings.dtype_on(device)),
        "versions": _versions(settings),
    }


def _versions(settings: DiffusionSettings) -> Mapping[str, Any]:
    needed = [] if settings.sampling.solver == "ddim" else ["diffusers"]
    if settings.look.backend in ("numba", "pytorch3d"):
        needed.append(settings.look.backend)
    return record.versions(*needed)


def _said_of_time(frames: int, settings: DiffusionSettings) -> str:
    """How much work a run is, where each part of it takes seconds to minutes."""
    sampling = settings.sampling
    windows = len(context_windows(frames, sampling.windows))
    return (
        f"The diffusion engine takes long on a CPU: {frames} frames in windows of at most "
        f"{sampling.windows.length} are {windows}, with {sampling.steps} steps the network runs "
        f"on {windows * sampling.steps} windows. The preview engine (--engine preview) is fast."
    )


def _length(source: Source) -> int:
    return source.frame_count if isinstance(source, VideoClip) else len(source)
