"""The diffusion engine from files to a file, in a run folder that goes on where it was stopped."""

from __future__ import annotations

from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from ..devices import choose_device
from ..diffusion.lazy_guidance import LazyGuidance
from ..diffusion.lora_formats import read_contents
from ..diffusion.model_files import ModelFiles, check_whole, find_model_files
from ..diffusion.sampler import sample
from ..diffusion.vae import VAE
from ..diffusion.vae_chunks import decode_chunks
from ..drivers import FaceChoice, Trimming
from ..engines import EngineChoice
from ..errors import MagicPortraitError
from ..faces.networks import FaceNetworks
from ..files import keep_inputs, keep_outside, remove_parts
from ..motion.guidance_maps import encoder_maps
from ..motion.pipeline import HeadFiles, motion_maps
from ..report import Recorder, Report, recording
from ..types import AudioSource, Progress, VideoClip, no_progress
from ..video import VideoWriter, check_video_path, open_image
from ..weights.folders import models_folder
from . import record
from .beginning import open_start, start_latents
from .motion import (
    Found,
    Source,
    find_motion,
    head_files,
    keep,
    kept,
    open_source,
    warn_of_landmarks,
)
from .networks import Networks, open_networks
from .previews import step_pictures
from .runs import RunFolder
from .settings import PREVIEW, DiffusionSettings

SUFFIX = ".run"  #: of a run folder's name, after the output's


@dataclass(frozen=True)
class _Job:
    """What was opened and checked before the long work."""

    picture: Tensor
    source: Source
    head: HeadFiles | None
    files: ModelFiles
    folder: RunFolder


def run_folder_of(output: str | Path) -> Path:
    """Where a run is kept where no folder is named: beside its output."""
    output = Path(output)
    return output.with_name(output.name + SUFFIX)


def reenact_diffusion(
    portrait: str | Path,
    driving: str | Path,
    output: str | Path,
    settings: DiffusionSettings | None = None,
    *,
    models: str | Path | None = None,
    face: FaceChoice | None = None,
    trim: Trimming | None = None,
    codec: str = "h264",
    run_folder: str | Path | None = None,
    resume: bool = False,
    previews: bool = False,
    networks: FaceNetworks | None = None,
    device: str = "cpu",
    choice: EngineChoice | None = None,
    progress: Progress = no_progress,
) -> Report:
    """Write ``output``: the portrait drawn by the diffusion model as the driver moves, with sound.

    Args:
        portrait: a picture.
        driving: a clip; a landmark track, a head track, or key frames, which have no sound.
        output: its suffix suits ``codec``, .mp4 for h264.
        models: the models folder; None: `weights.folders.models_folder`.
        run_folder: where the run is kept; None: beside the output, and removed at the end. After
            any other end of the run it holds all but the window that was being computed.
        resume: go on with the run that the folder holds, if it holds one; the output has the very
            bytes of a run without a stop.
        previews: write a picture of every step into the run folder, and keep the folder.
        networks: that find faces, loaded on ``device`` where None.
        choice: of the engine, for the report.

    Raises:
        InputError: a file that cannot be read or written, weights that are not here, an option
            that cannot be met, a run that cannot go on to the same bytes.
        NoFaceError: no face in the portrait or in the clip.
    """
    settings = settings or DiffusionSettings()
    with recording() as run:
        with run.timed("opening"):
            where = choose_device(device)
            inputs = {"portrait": portrait, "driving": driving}
            if settings.init is not None and settings.init != PREVIEW:
                inputs["init"] = settings.init
            keep_inputs(check_video_path(output, codec), *inputs.values())
            place = Path(run_folder or run_folder_of(output))
            keep_outside(place, *inputs.values(), *(lora.file for lora in settings.loras))
            job = _open(inputs, place, settings, models, face, trim, codec, resume, where, progress)
        try:
            report = _work(
                job, Path(output), settings, run, face=face, codec=codec, previews=previews,
                networks=networks, device=where, progress=progress,
            )  # fmt: skip
        except MagicPortraitError:
            if run_folder is None and not job.folder.begun:
                job.folder.remove()
            raise
        if run_folder is None and not previews:
            job.folder.remove()
        else:
            report = replace(report, more=(place,))
    choice = choice or EngineChoice("diffusion", "asked for")
    return replace(report, engine=choice, warnings=tuple(run.messages))


def _open(
    inputs: dict[str, str | Path],
    place: Path,
    settings: DiffusionSettings,
    models: str | Path | None,
    face: FaceChoice | None,
    trim: Trimming | None,
    codec: str,
    resume: bool,
    device: torch.device,
    progress: Progress,
) -> _Job:
    files = find_model_files(models_folder(models))
    check_whole(files)
    for lora in settings.loras:
        read_contents(lora.file, lora.file.name)  # that it is one; where it fits is seen later
    picture = open_image(inputs["portrait"])
    head = head_files(settings, models_folder(models), progress)
    source = open_source(inputs["driving"], face, trim, head, settings)
    open_start(settings.init, source.frame_count if isinstance(source, VideoClip) else len(source))
    setup = {
        "settings": record.plain(settings),
        "face": record.plain(face or FaceChoice()),
        "part": record.plain(trim or Trimming()),
        "codec": codec,
        "head": head and {"name": head.head.name, "basis": head.head.basis},
        "inputs": {name: record.fingerprint(path) for name, path in inputs.items()},
        "loras": [record.fingerprint(lora.file) for lora in settings.loras],
        "weights": record.weights(files),
        "machine": record.machine(device, settings.dtype_on(device)),
        "versions": _versions(settings),
    }
    return _Job(picture, source, head, files, RunFolder.begin(place, setup, resume))


def _versions(settings: DiffusionSettings) -> dict[str, Any]:
    needed = [] if settings.sampling.solver == "ddim" else ["diffusers"]
    if settings.look.backend in ("numba", "pytorch3d"):
        needed.append(settings.look.backend)
    return record.versions(*needed)


def _work(
    job: _Job,
    output: Path,
    settings: DiffusionSettings,
    run: Recorder,
    *,
    face: FaceChoice | None,
    codec: str,
    previews: bool,
    networks: FaceNetworks | None,
    device: torch.device,
    progress: Progress,
) -> Report:
    with run.timed("tracking"):
        found = kept(job.folder, settings)
        if found is None:
            made = find_motion(
                job.source, job.picture, job.head, settings,
                face=face, networks=networks, device=device, progress=progress,
            )  # fmt: skip
            keep(made, job.folder)
            found = kept(job.folder, settings)  # as a run that goes on reads it
        warn_of_landmarks(found)
    with run.timed("loading models"):
        ready = open_networks(job.files, settings, device, found.picture)
    with run.timed("denoising"):
        latents = _denoise(job, found, ready, settings, previews, device, progress)
    sound = job.source.audio if isinstance(job.source, VideoClip) else None
    with run.timed("decoding"):
        _decode(latents, ready.vae, output, found, sound, codec, progress)
    job.folder.finish(output, {"frames": len(latents), "bytes": output.stat().st_size})
    lost = int((~found.motion.driver.valid).sum())
    return Report(
        output, len(latents), found.motion.driver.fps, tuple(found.picture.shape[1:]), run.seconds,
        lost_frames=lost, tracker=found.choice, head=job.head and job.head.head.name,
        notes=ready.notes,
    )  # fmt: skip


def _denoise(
    job: _Job,
    found: Found,
    ready: Networks,
    settings: DiffusionSettings,
    previews: bool,
    device: torch.device,
    progress: Progress,
) -> Tensor:
    """Latents of the clip, (t, 4, h, w) on the CPU."""
    height, width = found.picture.shape[1:]
    maps = motion_maps(found.motion, job.head, settings.look, device=device, progress=progress)
    guidance = LazyGuidance(
        ready.encoders,
        lambda frames: encoder_maps(maps, frames),
        len(found.motion),
        dtype=settings.dtype_on(device),
    )
    start = start_latents(
        settings.init, found, tuple(job.picture.shape[1:]), ready.vae, job.folder, device, progress
    )
    steps = settings.sampling.steps
    return sample(
        ready.unet,
        ready.text,
        ready.reference,
        guidance,
        (height // 8, width // 8),
        settings.sampling,
        start,
        progress,
        step_pictures(job.folder.path, ready.vae, steps) if previews else None,
        job.folder.journal(),
    )


def _decode(
    latents: Tensor,
    vae: VAE,
    output: Path,
    found: Found,
    sound: AudioSource | None,
    codec: str,
    progress: Progress,
) -> None:
    """Frame by frame into the file."""
    height, width = found.picture.shape[1:]
    fps = found.motion.driver.fps
    remove_parts(output)
    with VideoWriter(output, height, width, fps, codec=codec, audio=sound) as writer:
        for done, frames in enumerate(decode_chunks(vae, latents)):
            progress("decoding", done, len(latents))
            writer.write(frames)
    progress("decoding", len(latents), len(latents))
