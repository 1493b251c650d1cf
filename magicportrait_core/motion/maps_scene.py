"""What maps are made of: any kind of track, with or without a portrait that wears its motion."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from fractions import Fraction
from pathlib import Path

import torch
from torch import Tensor

from ..checks import check_range
from ..errors import InputError
from ..faces.networks import FaceNetworks, load_networks
from ..faces.tracker import track_image
from ..flame.head_model import HeadModel
from ..flame.keyframes.keyframes import read_keyframes
from ..flame.library.library import AUTO, open_head
from ..flame.meshes import HeadMeshes, motion_meshes
from ..flame.motion.neutral import HAND_MADE
from ..flame.trackers import TRACKERS
from ..looking.mesh_overlay import face_cover, head_cover
from ..model_files.head_models import (
    TrackerChoice,
    choose_tracker,
    flame_folder,
    head_of,
    make_tracker,
    skin_of,
)
from ..render import landmark_mesh
from ..threads import one_thread
from ..tracks import kind_of, load_head_track, load_motion, load_track
from ..types import (
    FaceTrack,
    HeadTrack,
    MeshSequence,
    MotionTrack,
    Progress,
    TransferSettings,
    VideoClip,
)
from ..video import open_image
from ..weights.advice import command

KEYFRAMES = (".json", ".csv")
HAND_MADE_SIDE = 512  #: px, of maps of key frames, which have no picture of their own


@dataclass(frozen=True)
class Wanted:
    """What the user asked of a scene; see `motion.head_pipeline.write_maps`."""

    portrait: str | Path | None
    settings: TransferSettings | Mapping[str, object] | None
    tracker: str
    head: str
    models: str | Path | None
    convention: str  #: `flame.projection.CONVENTIONS`


@dataclass(frozen=True)
class Scene:
    """A mesh to render, and the driver's in its own frames."""

    meshes: MeshSequence
    size: tuple[int, int]  #: (h, w) px of the picture the mesh stands in
    driver: MeshSequence | None  #: white, to draw over its clip; None: key frames, without a clip
    frame_size: tuple[int, int]  #: (h, w) px of the driver's clip
    valid: Tensor  #: (t,) bool, of the driver
    fps: Fraction
    motion: MotionTrack | None = None  #: where a portrait wears the motion
    tracker: TrackerChoice | None = None  #: that looked at the portrait
    head: str | None = None  #: the head model's name


def open_scene(
    track: str | Path,
    wanted: Wanted,
    networks: FaceNetworks | None,
    device: torch.device,
    progress: Progress,
) -> Scene:
    """Read a track of any kind, and the portrait's where one is wanted. Raises InputError."""
    path = Path(track)
    kind = "keyframes" if path.suffix.lower() in KEYFRAMES else kind_of(path)
    if kind == "landmarks":
        return _landmark_scene(load_track(path), path.name, wanted)
    folder = flame_folder(wanted.models, progress)
    if kind == "motion":
        if wanted.portrait is not None:
            raise InputError(
                f"{path.name} holds a portrait already: leave the portrait out, or make maps of "
                "the head track that drives it."
            )
        motion = load_motion(path)
        head = head_of(motion.driver, folder, wanted.head, path.name)
        motion = replace(motion, settings=_settled(motion.settings, wanted.settings))
        return _motion_scene(motion, head, folder, wanted, device)
    if kind == "keyframes":
        head = open_head(folder, wanted.head)
        driver = read_keyframes(path, head)
    else:
        driver = load_head_track(path)
        head = head_of(driver, folder, wanted.head, path.name)
    if wanted.portrait is None:
        return _driver_scene(driver, head, folder, wanted, device)
    settings = _settled(TransferSettings(), wanted.settings)
    _check_neutral(settings, driver)
    choice = _portrait_tracker(wanted.tracker, driver, head, folder)
    portrait = _tracked(Path(wanted.portrait), choice, head, folder, networks, device)
    motion = MotionTrack(portrait, driver, settings)
    return _motion_scene(motion, head, folder, wanted, device, choice)


def _landmark_scene(track: FaceTrack, name: str, wanted: Wanted) -> Scene:
    if wanted.portrait is not None:
        raise InputError(
            f"{name} is a landmark track, which no portrait can wear: leave the portrait out for "
            "maps of the tracked face, or track the clip with "
            f"{command('track VIDEO --tracker auto -o track.safetensors')}."
        )
    _refuse_settings(wanted)
    mesh, size = landmark_mesh(track), track.frame_size
    return Scene(mesh, size, face_cover(track), size, track.valid, track.fps)


def _driver_scene(
    driver: HeadTrack, head: HeadModel, folder: Path, wanted: Wanted, device: torch.device
) -> Scene:
    """The driver's own head in its own frames."""
    _refuse_settings(wanted)
    size, drawn = driver.frame_size, head.to(device)
    if driver.tracker == HAND_MADE:
        size = (HAND_MADE_SIDE, HAND_MADE_SIDE)
    meshes = HeadMeshes(driver, drawn, skin_of(driver, head, folder).to(device), wanted.convention)
    return Scene(
        meshes, size, _cover(driver, drawn), driver.frame_size, driver.valid, driver.fps,
        head=head.name,
    )  # fmt: skip


def _motion_scene(
    motion: MotionTrack,
    head: HeadModel,
    folder: Path,
    wanted: Wanted,
    device: torch.device,
    tracker: TrackerChoice | None = None,
) -> Scene:
    _check_neutral(motion.settings, motion.driver)
    drawn, driver = head.to(device), motion.driver
    skin = skin_of(motion.portrait, head, folder).to(device)
    meshes = motion_meshes(motion, drawn, skin, wanted.convention)
    return Scene(
        meshes, motion.portrait.frame_size, _cover(driver, drawn), driver.frame_size,
        driver.valid, driver.fps, motion, tracker, head.name,
    )  # fmt: skip


def _cover(driver: HeadTrack, head: HeadModel) -> MeshSequence | None:
    return None if driver.tracker == HAND_MADE else head_cover(driver, head)


def _settled(
    own: TransferSettings, given: TransferSettings | Mapping[str, object] | None
) -> TransferSettings:
    if isinstance(given, TransferSettings):
        return given
    return replace(own, **(given or {}))


def _refuse_settings(wanted: Wanted) -> None:
    if wanted.settings:
        raise InputError(
            "Gains, mode, neutral frame and pivot say how a portrait wears the motion: name the "
            "portrait, or leave them out."
        )


def _check_neutral(settings: TransferSettings, driver: HeadTrack) -> None:
    if settings.neutral_frame is not None:
        check_range("neutral_frame", settings.neutral_frame, 0, len(driver) - 1)


def _portrait_tracker(
    tracker: str, driver: HeadTrack, head: HeadModel, folder: Path
) -> TrackerChoice:
    """The driver's, so that both mean the same by the same numbers."""
    if tracker == AUTO and driver.tracker in TRACKERS:
        return TrackerChoice(driver.tracker, "the driver's")
    return choose_tracker(tracker, head, folder)


def _tracked(
    portrait: Path,
    choice: TrackerChoice,
    head: HeadModel,
    folder: Path,
    networks: FaceNetworks | None,
    device: torch.device,
) -> HeadTrack:
    """The head in a portrait, t = 1."""
    picture = open_image(portrait)
    tracker = make_tracker(choice, head, folder, device=device)
    face = track_image(picture, networks or load_networks(device), name=portrait.name)
    clip = VideoClip.from_tensor(picture[None], face.fps, portrait.name)
    with one_thread():
        return tracker.track(clip, face)
