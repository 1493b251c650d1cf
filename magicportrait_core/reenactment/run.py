"""The diffusion engine from files to a file, in a run folder that goes on where it was stopped."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path

from torch import Tensor

from ..devices import choose_device
from ..diffusion.clips.lazy_guidance import LazyGuidance
from ..diffusion.clips.vae_chunks import decode_chunks
from ..diffusion.sampler import sample
from ..diffusion.vae import VAE
from ..drivers import FaceChoice, Trimming
from ..engines import EngineChoice
from ..errors import MagicPortraitError
from ..faces.networks import FaceNetworks
from ..files import remove_parts
from ..motion.guidance_maps import encoder_maps
from ..motion.pipeline import motion_maps
from ..report import Recorder, Report, recording
from ..types import Progress, VideoClip, no_progress
from ..video import VideoWriter
from .beginning import start_latents
from .lock import only_run_in
from .motion import Found, find_motion, keep, kept, warn_of_landmarks
from .networks import Networks, open_networks
from .opening import Inputs, Job, open_job
from .previews import step_pictures
from .runs import RunFolder
from .settings import DiffusionSettings

SUFFIX = ".run"  #: of a run folder's name, after the output's


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

        After the tracking every error says where the work is kept.
    """
    settings = settings or DiffusionSettings()
    place = Path(run_folder or run_folder_of(output))
    inputs = Inputs(portrait, driving, Path(output), place, face, trim, codec)
    inputs.check(settings)
    with recording() as run, only_run_in(place):
        with run.timed("opening"):
            where = choose_device(device)
            job = open_job(inputs, settings, models, resume, where, progress)
        with _going_on(job.folder, own=run_folder is None):
            report = _work(job, run, previews, networks, progress)
        if run_folder is None and not previews:
            job.folder.remove()
        else:
            report = replace(report, more=(place,))
    choice = choice or EngineChoice("diffusion", "asked for")
    return replace(report, engine=choice, warnings=tuple(run.messages))


@contextmanager
def _going_on(folder: RunFolder, own: bool) -> Iterator[None]:
    """Errors say where work is kept to go on with; ``own``: a folder without any is removed."""
    try:
        yield
    except BaseException as error:
        if folder.begun and isinstance(error, MagicPortraitError):
            kept_words = f"What is done is kept in {folder.path}: --resume goes on from there."
            raise type(error)(f"{error} {kept_words}") from error
        if own and not folder.begun:
            folder.remove()
        raise


def _work(
    job: Job, run: Recorder, previews: bool, networks: FaceNetworks | None, progress: Progress
) -> Report:
    inputs, settings = job.inputs, job.settings
    with run.timed("tracking"):
        found = kept(job.folder, settings)
        if found is None:
            made = find_motion(
                job.source, job.picture, job.head, settings,
                face=inputs.face, networks=networks, device=job.device, progress=progress,
            )  # fmt: skip
            keep(made, job.folder)
            found = kept(job.folder, settings)  # as a run that goes on reads it
        warn_of_landmarks(found)
    with run.timed("loading models"):
        ready = open_networks(job.files, settings, job.device, found.picture)
    with run.timed("denoising"):
        latents = _denoise(job, found, ready, previews, progress)
    with run.timed("decoding"):
        _decode(job, latents, ready.vae, found, progress)
    size = inputs.output.stat().st_size
    job.folder.finish(inputs.output, {"frames": len(latents), "bytes": size})
    return Report(
        inputs.output,
        len(latents),
        found.motion.driver.fps,
        tuple(found.picture.shape[1:]),
        run.seconds,
        lost_frames=int((~found.motion.driver.valid).sum()),
        tracker=found.choice,
        head=job.head and job.head.head.name,
        notes=ready.notes,
        weights=ready.weights,
        dtype=str(settings.dtype_on(job.device)).removeprefix("torch."),
    )


def _denoise(job: Job, found: Found, ready: Networks, previews: bool, progress: Progress) -> Tensor:
    """Latents of the clip, (t, 4, h, w) on the CPU."""
    settings, device = job.settings, job.device
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


def _decode(job: Job, latents: Tensor, vae: VAE, found: Found, progress: Progress) -> None:
    """Frame by frame into the file."""
    height, width = found.picture.shape[1:]
    fps, output = found.motion.driver.fps, job.inputs.output
    sound = job.source.audio if isinstance(job.source, VideoClip) else None
    remove_parts(output)
    with VideoWriter(output, height, width, fps, codec=job.inputs.codec, audio=sound) as writer:
        for done, frames in enumerate(decode_chunks(vae, latents)):
            progress("decoding", done, len(latents))
            writer.write(frames)
    progress("decoding", len(latents), len(latents))
