"""Heads through clips put together: a track of head parameters, and the maps made of it.

Whatever can be checked at once is checked before the long work begins, and a file appears under
its name only when it is whole.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from ..checks import check_choice, check_range
from ..devices import choose_device
from ..drivers import TRACK_SUFFIX, FaceChoice, Trimming, follow, open_clip
from ..errors import InputError
from ..faces.networks import FaceNetworks, load_networks
from ..files import check_suffix, keep_inputs
from ..flame.library.library import AUTO, open_head
from ..model_files.head_models import choose_tracker, flame_folder, make_tracker
from ..render import BACKEND_NAMES, render_maps
from ..render.maps import DEPTH_RANGES, MODES
from ..report import Report, recording
from ..threads import one_thread
from ..tracks import save_head_track, save_motion
from ..types import Progress, TransferSettings, VideoClip, no_progress
from ..video import check_video_path
from ..weights.advice import command
from .maps_film import MAPS, write_film
from .maps_scene import Scene, Wanted, open_scene

SIZES = (64, 4096)  #: px, of the maps' longer side


@dataclass(frozen=True)
class MapSettings:
    """How maps look; see `render.render_maps`."""

    mode: str = "stable"  #: parity: the paper's own
    depth_range: str = "frame"  #: clip: one for all frames, for ControlNets
    size: int = 768  #: px, most of the longer side: maps are as large as the picture up to this
    backend: str = "auto"  #: of the rasteriser

    def __post_init__(self) -> None:
        check_choice("maps mode", self.mode, MODES)
        check_choice("depth_range", self.depth_range, DEPTH_RANGES)
        check_choice("backend", self.backend, BACKEND_NAMES)
        check_range("size", self.size, *SIZES)

    @property
    def convention(self) -> str:
        """How crop and picture meet; see `flame.projection.CONVENTIONS`."""
        return "reference" if self.mode == "parity" else "exact"


def track_head(
    video: str | Path,
    output: str | Path,
    *,
    tracker: str = AUTO,
    head: str = AUTO,
    models: str | Path | None = None,
    face: FaceChoice | None = None,
    trim: Trimming | None = None,
    smoothing: float | None = None,
    neutral_frame: int | None = None,
    plot: str | Path | None = None,
    networks: FaceNetworks | None = None,
    device: str = "cpu",
    progress: Progress = no_progress,
) -> Report:
    """Follow a head through ``video`` and write its track, ``output`` (.safetensors).

    Args:
        video: a clip, see `video.open_video`.
        tracker: "auto", "deca_smirk" or "landmark_fit", see `choose_tracker`.
        head: the head model's name; auto takes the first of `flame.library.heads`.
        models: the models folder; None: `weights.folders.models_folder`.
        smoothing: of the head's parameters, 0 none to 1 strongest; None: as ``face`` has it for
            the landmarks.
        neutral_frame: of the clip, from 0, for landmark_fit: the face at rest.
        plot: a .png of the head's curves over pictures of the clip.
        networks: that find the face, loaded on ``device`` where None.
        device: "cpu", "cuda" or "auto", which is cuda where there is any.

    Raises:
        InputError: a file that cannot be read or written, an option that cannot be met, a head
            model or a network that is not there: what to get and where.
        NoFaceError: no face in the clip.
    """
    face = face or FaceChoice()
    with recording() as run:
        with run.timed("opening"):
            where = choose_device(device)
            check_suffix("track", output, TRACK_SUFFIX)
            if plot is not None:
                check_suffix("plot", plot, ".png")
                keep_inputs(plot, video, output)
            keep_inputs(output, video)
            clip = open_clip(video, trim)
            if neutral_frame is not None:
                check_range("neutral_frame", neutral_frame, 0, clip.frame_count - 1)
            folder = flame_folder(models, progress)
            model = open_head(folder, head)
            choice = choose_tracker(tracker, model, folder, neutral_frame)
            made = make_tracker(
                choice, model, folder, device=where, neutral_frame=neutral_frame,
                smoothing=face.smoothing if smoothing is None else smoothing,
            )  # fmt: skip
        with run.timed("tracking"):
            seen = follow(clip, face, networks or load_networks(where), progress)
        with run.timed("head"), one_thread():
            found = made.track(clip, seen, progress=progress)
        save_head_track(output, found)
        if plot is not None:
            from ..looking.plot import plot_head_track

            with run.timed("plotting"):
                plot_head_track(plot, found, model, clip, progress=progress)
    return Report(
        Path(output), len(found), found.fps, found.frame_size, run.seconds, tuple(run.messages),
        lost_frames=int((~found.valid).sum()), more=() if plot is None else (Path(plot),),
        tracker=choice, head=model.name,
    )  # fmt: skip


def write_maps(
    track: str | Path,
    portrait: str | Path | None,
    output: str | Path,
    *,
    driving: str | Path | None = None,
    trim: Trimming | None = None,
    settings: TransferSettings | Mapping[str, object] | None = None,
    tracker: str = AUTO,
    head: str = AUTO,
    models: str | Path | None = None,
    look: MapSettings | None = None,
    codec: str = "h264",
    separate: bool = False,
    motion: str | Path | None = None,
    networks: FaceNetworks | None = None,
    device: str = "cpu",
    progress: Progress = no_progress,
) -> Report:
    """Write ``output``: depth, normal and shaded render of a track, side by side under captions.

    Args:
        track: a head track or key frames (.json, .csv), which the portrait wears; a motion, which
            holds its portrait; a landmark track, which has maps of its own face alone.
        portrait: a picture; None: maps of the driver itself, in its own frames.
        driving, trim: the clip, or the part of it, that ``track`` was made of; it and the mesh
            over it stand beside the maps.
        settings: of the transfer; a mapping changes some of the defaults, or of a motion's own.
        tracker: of the portrait, see `head_models.choose_tracker`; auto is the one of ``track``.
        head: the head model's name; auto finds the track's.
        look: of the maps; None: `MapSettings`' defaults.
        codec: see `video.VideoWriter`; ``output``'s suffix suits it.
        separate: write depth, normal, render and mask as clips of their own beside ``output``,
            maps_depth.mp4 ..., without captions.
        motion: also write portrait, driver and settings as one file, .safetensors.

    Other arguments and what is raised are :func:`track_head`'s.
    """
    look = look or MapSettings()
    with recording() as run:
        with run.timed("opening"):
            where = choose_device(device)
            beside = separate_paths(output) if separate else {}
            read = [path for path in (track, portrait, driving) if path is not None]
            _check_outputs((output, *beside.values()), codec, motion, read)
            if driving is None and (trim or Trimming()) != Trimming():
                raise InputError(
                    "Rate, start, end, stride and number of frames are the driving clip's: name it "
                    f"with --driving, or trim when the track is made, with {command('track')}."
                )
            clip = None if driving is None else open_clip(driving, trim)
        with run.timed("portrait"):
            wanted = Wanted(portrait, settings, tracker, head, models, look.convention)
            scene = open_scene(track, wanted, networks, where, progress)
            check_clip(scene, clip)
            if motion is not None and scene.motion is None:
                raise InputError("A motion has a portrait: name one, or write no motion.")
        with run.timed("rendering"), one_thread():
            maps = render_maps(
                scene.meshes, *fitted(scene.size, look.size), mode=look.mode,
                depth_range=look.depth_range, backend=look.backend, device=where,
                progress=progress,
            )  # fmt: skip
            shown = write_film(output, beside, scene, maps, clip, codec, progress)
        if motion is not None:
            save_motion(motion, scene.motion)
    more = (*beside.values(), *([] if motion is None else [Path(motion)]))
    return Report(
        Path(output), len(maps), maps.fps, shown, run.seconds, tuple(run.messages),
        lost_frames=int((~scene.valid).sum()), more=more, tracker=scene.tracker, head=scene.head,
    )  # fmt: skip


def separate_paths(output: str | Path) -> dict[str, Path]:
    """Each map's own file: maps.mp4 -> maps_depth.mp4 ..."""
    path = Path(output)
    return {name: path.with_name(f"{path.stem}_{name}{path.suffix}") for name in MAPS}


def fitted(size: tuple[int, int], most: int) -> tuple[int, int]:
    """(h, w) made smaller where its longer side is over ``most``, its shape kept."""
    scale = min(1.0, most / max(size))
    height, width = (max(2, round(side * scale)) for side in size)
    return height, width


def _check_outputs(
    clips: Sequence[str | Path], codec: str, motion: str | Path | None, read: list[str | Path]
) -> None:
    for path in clips:
        keep_inputs(check_video_path(path, codec), *read)
    if motion is not None:
        keep_inputs(check_suffix("motion", motion, TRACK_SUFFIX), *read)


def check_clip(scene: Scene, clip: VideoClip | None) -> None:
    """Raise InputError where ``clip`` cannot be what the scene's driver was tracked in."""
    if clip is None:
        return
    if scene.driver is None:
        raise InputError("Key frames are of no clip: leave the driving clip out.")
    height, width = scene.frame_size
    theirs, ours = (clip.frame_count, clip.width, clip.height), (len(scene.valid), width, height)
    if theirs != ours:
        raise InputError(
            "The track is of {} frames of {}x{} px, ".format(*ours)
            + "{} has {} of {}x{} px: ".format(clip.name, *theirs)
            + "give the clip it was made of, with the same --fps, --start, --end, --stride and "
            "--max-frames."
        )
