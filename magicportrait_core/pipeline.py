"""The stages put together: what the command line and scripts call.

Whatever can be checked at once is checked before the long work begins, and a file appears under
its name only when it is whole.
"""

from __future__ import annotations

from pathlib import Path

from .checks import check_type
from .devices import choose_device
from .drivers import (
    TRACK_SUFFIX,
    FaceChoice,
    Trimming,
    check_neutral,
    follow,
    open_clip,
    open_driver,
)
from .engines import choose_engine
from .faces.networks import FaceNetworks, load_networks
from .faces.tracker import track_image
from .files import check_output_path, check_suffix, keep_inputs
from .pictures import to_float
from .preview import FaceSliders, MotionSettings, edit_still, reenact_frames
from .reenactment import DiffusionSettings, reenact_diffusion, transfer_of
from .report import Report, recording
from .threads import one_thread
from .tracks import save_track
from .types import FaceTrack, Progress, VideoClip, no_progress
from .video import VideoWriter, check_image_path, open_image, write_image


def reenact(
    portrait: str | Path,
    driving: str | Path,
    output: str | Path,
    *,
    settings: MotionSettings | None = None,
    engine: str = "auto",
    face: FaceChoice | None = None,
    trim: Trimming | None = None,
    codec: str = "h264",
    networks: FaceNetworks | None = None,
    models: str | Path | None = None,
    resume: bool = False,
    device: str = "cpu",
    progress: Progress = no_progress,
) -> Report:
    """Write ``output``: the portrait moving as the face in ``driving`` moves, with its sound.

    By the diffusion engine where that is asked for, or where ``engine`` is auto and its weights
    are all there: `reenactment.reenact_diffusion` has all its options.

    Args:
        portrait: a picture.
        driving: a clip (see `video.open_video`), or a track that :func:`track` wrote, which has
            no sound and takes neither ``face`` nor ``trim``.
        output: its suffix suits ``codec``, .mp4 for h264.
        settings: gains and modes of the motion.
        engine: one of `engines.ENGINES`; auto takes diffusion where all its weights are there.
        face: which face of the clip, and how calm its track is; None: the largest.
        trim: which part of the clip, in seconds, and at which rate; None: all of it as it is.
        codec: one of `video.codecs.OUTPUT_CODECS`: h264 (.mp4), prores (.mov), ffv1 (.mkv).
        networks: that find faces, loaded on ``device`` where None.
        models: the models folder; None: `weights.folders.models_folder`.
        resume: of the diffusion engine: go on with a run that was stopped.
        device: "cpu", "cuda" or "auto", which is cuda where there is any.
        progress: called with a stage's name, how much of it is done and how much there is; what
            it raises stops the run.

    Raises:
        InputError: a file that cannot be read or written, an option that cannot be met.
        NoFaceError: no face in the portrait or in the clip.
    """
    check_type("settings", settings, MotionSettings)
    choice = choose_engine(engine, models)
    if choice.name == "diffusion":
        wanted = DiffusionSettings()
        if settings is not None:
            wanted = DiffusionSettings(transfer=transfer_of(settings, settings.mode))
        return reenact_diffusion(
            portrait, driving, output, wanted, models=models, face=face, trim=trim, codec=codec,
            resume=resume, networks=networks, device=device, choice=choice, progress=progress,
        )  # fmt: skip
    settings = settings or MotionSettings()
    with recording() as run:
        with run.timed("opening"):
            where = choose_device(device)
            keep_inputs(output, portrait, driving)
            check_output_path(output)
            picture = open_image(portrait)
            source = open_driver(driving, face, trim)
            check_neutral(settings, source)
            sound = source.audio if isinstance(source, VideoClip) else None
            height, width = picture.shape[1:]
            writer = VideoWriter(output, height, width, source.fps, codec=codec, audio=sound)
        with run.timed("portrait"):
            networks = networks or load_networks(where)
            own = track_image(picture, networks, name=Path(portrait).name)
        with run.timed("tracking"):
            driver = follow(source, face, networks, progress)
        with run.timed("rendering"), one_thread(), writer:
            for batch in reenact_frames(
                to_float(picture), own, driver, settings, device=where, progress=progress
            ):
                writer.write(batch)
    return Report(
        Path(output), len(driver), driver.fps, (height, width), run.seconds, tuple(run.messages),
        engine=choice, lost_frames=_lost(driver),
    )  # fmt: skip


def track(
    video: str | Path,
    output: str | Path,
    *,
    face: FaceChoice | None = None,
    trim: Trimming | None = None,
    plot: str | Path | None = None,
    networks: FaceNetworks | None = None,
    device: str = "cpu",
    progress: Progress = no_progress,
) -> Report:
    """Follow a face through ``video`` and write its track, ``output`` (.safetensors).

    plot: a .png of the face's curves over pictures of the clip. Raises as :func:`reenact`.
    """
    with recording() as run:
        with run.timed("opening"):
            where = choose_device(device)
            check_suffix("track", output, TRACK_SUFFIX)
            if plot is not None:
                check_suffix("plot", plot, ".png")
                keep_inputs(plot, video, output)
            keep_inputs(output, video)
            clip = open_clip(video, trim)
        with run.timed("tracking"):
            found = follow(clip, face, networks or load_networks(where), progress)
        save_track(output, found)
        if plot is not None:
            from .looking.plot import plot_track

            with run.timed("plotting"):
                plot_track(plot, found, clip, progress=progress)
    return Report(
        Path(output), len(found), found.fps, found.frame_size, run.seconds, tuple(run.messages),
        lost_frames=_lost(found), more=() if plot is None else (Path(plot),),
    )  # fmt: skip


def still(
    portrait: str | Path,
    output: str | Path,
    sliders: FaceSliders,
    *,
    networks: FaceNetworks | None = None,
    device: str = "cpu",
) -> Report:
    """Write ``output`` (.png or .jpg): the portrait posed by hand. Raises as :func:`reenact`."""
    check_type("sliders", sliders, FaceSliders)
    with recording() as run:
        with run.timed("opening"):
            where = choose_device(device)
            keep_inputs(output, portrait)
            check_image_path(output)
            picture = open_image(portrait)
        with run.timed("portrait"):
            networks = networks or load_networks(where)
            found = track_image(picture, networks, name=Path(portrait).name)
        with run.timed("rendering"), one_thread():
            write_image(output, edit_still(to_float(picture), found, sliders, device=where))
    size = found.frame_size
    return Report(Path(output), 1, None, size, run.seconds, tuple(run.messages))


def _lost(found: FaceTrack) -> int:
    return int((~found.valid).sum())
