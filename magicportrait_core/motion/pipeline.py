"""From a driving clip and a portrait to motion, and from motion to maps.

What `head_pipeline` does for files is done here for what is in memory, by any of the trackers and
also without a head model.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace

import torch
from torch import Tensor

from ..checks import check_range
from ..errors import InputError
from ..faces.framing import Framed, frame_portrait
from ..faces.networks import FaceNetworks, load_networks
from ..faces.tracker import track_faces, track_image
from ..flame.head_model import HeadModel
from ..flame.keyframes.files import read_text
from ..flame.keyframes.keyed import keyed
from ..flame.library.library import AUTO
from ..flame.meshes import motion_meshes
from ..looking.mesh_overlay import MeshOverlay, Window, face_cover, head_cover
from ..model_files.head_models import TrackerChoice, make_tracker, skin_of
from ..pictures import to_uint8
from ..preview.landmarks import moved_landmarks
from ..render import landmark_mesh, render_maps
from ..threads import one_thread
from ..types import (
    FaceTrack,
    GeometryMaps,
    LandmarkMotion,
    MeshSequence,
    MotionTrack,
    Progress,
    TransferSettings,
    VideoClip,
    no_progress,
)
from ..weights.folders import Folders
from .choice import LANDMARKS_ONLY, choose_motion_tracker
from .head_pipeline import MapSettings

_SIDES = (64, 4096)  #: px, of maps
_BATCH = 8  #: frames that an overlay is drawn on at once

AnyMotion = MotionTrack | LandmarkMotion


@dataclass(frozen=True)
class HeadFiles:
    """A head model and where what goes with it lies."""

    head: HeadModel
    folder: Folders  #: models/flame, or each folder of that kind


@dataclass(frozen=True)
class CropSettings:
    """How the portrait is cut out; see `faces.framing.frame_portrait`."""

    crop: str = "auto"
    scale: float = 1.0
    size: int = 512


@dataclass(frozen=True)
class TrackedMotion:
    """What :func:`track_motion` returns."""

    portrait: Framed
    motion: AnyMotion
    choice: TrackerChoice  #: the tracker that was taken, and why


def track_motion(
    clip: VideoClip,
    picture: Tensor,
    head: HeadFiles | None,
    *,
    tracker: str = AUTO,
    crop: CropSettings | None = None,
    smoothing: float = 0.5,
    face: FaceTrack | None = None,
    networks: FaceNetworks | None = None,
    device: torch.device | str = "cpu",
    progress: Progress = no_progress,
) -> TrackedMotion:
    """Follow the head through ``clip`` and find the portrait's, both by one tracker.

    Args:
        picture: (3, h, w) float 0..1, with the portrait's face; the largest is taken.
        head: None: there is no head model.
        tracker: one of `motion.choice.MOTION_TRACKERS`.
        smoothing: of landmarks and head, 0 none to 1 strongest.
        face: the face of ``clip``, tracked before; None: its largest is tracked.
        networks: that find faces, loaded on ``device`` where None.

    Raises:
        InputError: a value out of range, a face track of another clip, a tracker that lacks
            something: what to get and where.
        NoFaceError: no face in the picture or in the clip.
    """
    crop = crop or CropSettings()
    check_range("smoothing", smoothing, 0, 1)
    choice = choose_motion_tracker(tracker, head and head.head, head and head.folder)
    if face is not None:
        _check_face(face, clip)
    made = None
    if choice.name != LANDMARKS_ONLY and head is not None:
        made = make_tracker(choice, head.head, head.folder, smoothing=smoothing, device=device)
    networks = networks or load_networks(device)
    own = track_image(to_uint8(picture).cpu(), networks, name="the portrait")
    framed = frame_portrait(picture.cpu(), own, crop.crop, crop.scale, crop.size)
    if face is None:
        face = track_faces(clip, networks, smoothing=smoothing, progress=progress)
    if made is None:
        motion = LandmarkMotion(framed.face, face, portrait_from_source=framed.from_source)
        return TrackedMotion(framed, motion, choice)
    still = VideoClip.from_tensor(to_uint8(framed.picture)[None], framed.face.fps, "the portrait")
    with one_thread():
        portrait = made.track(still, framed.face)
        driver = made.track(clip, face, progress=progress)
    motion = MotionTrack(portrait, driver, portrait_from_source=framed.from_source)
    return TrackedMotion(framed, motion, choice)


def _check_face(face: FaceTrack, clip: VideoClip) -> None:
    theirs, ours = (len(face), face.frame_size), (clip.frame_count, (clip.height, clip.width))
    if theirs != ours:
        (n, (h, w)), (count, (height, width)) = theirs, ours
        raise InputError(
            f"the face track is of {n} frames of {w}x{h} px, {clip.name} has {count} of "
            f"{width}x{height} px: wire the track of this very clip, or none"
        )


def picture_size(motion: AnyMotion) -> tuple[int, int]:
    """(h, w) px of the portrait that the motion is of."""
    return motion.portrait.frame_size


def map_size(motion: AnyMotion, width: int = 0, height: int = 0) -> tuple[int, int]:
    """(h, w) px of maps of a motion: 0 is the portrait's own, or what suits the other side.

    Raises InputError for sides out of range and for a shape that is not the portrait's.
    """
    own_height, own_width = picture_size(motion)
    if not width and not height:
        return own_height, own_width
    asked = (
        height or round(width * own_height / own_width),
        width or round(height * own_width / own_height),
    )
    for name, side in (("height", asked[0]), ("width", asked[1])):
        check_range(name, side, *_SIDES)
    high, wide = asked
    if (
        min(abs(wide - high * own_width / own_height), abs(high - wide * own_height / own_width))
        > 1
    ):
        raise InputError(
            f"maps of {asked[1]}x{asked[0]} px have not the shape of the portrait's crop, "
            f"{own_width}x{own_height}: leave width or height at 0, and it follows the other"
        )
    return asked


def motion_mesh(
    motion: AnyMotion,
    head: HeadFiles | None,
    convention: str = "exact",
    device: torch.device | str = "cpu",
) -> MeshSequence:
    """The portrait's mesh as the driver moves it. head: of a `MotionTrack`."""
    if isinstance(motion, LandmarkMotion):
        return landmark_mesh(moved_landmarks(motion))
    model = _model(head).to(device)
    skin = skin_of(motion.portrait, model, head.folder).to(device)
    return motion_meshes(motion, model, skin, convention)


def motion_maps(
    motion: AnyMotion,
    head: HeadFiles | None,
    look: MapSettings | None = None,
    *,
    width: int = 0,
    height: int = 0,
    device: torch.device | str = "cpu",
    progress: Progress = no_progress,
) -> GeometryMaps:
    """The maps of a motion, nothing of them rendered yet. ``look.size`` plays no part."""
    look = look or MapSettings()
    check_neutral(motion)
    size = map_size(motion, width, height)
    mesh = motion_mesh(motion, head, look.convention, device)
    return render_maps(
        mesh, *size, mode=look.mode, depth_range=look.depth_range, backend=look.backend,
        device=device, progress=progress,
    )  # fmt: skip


def check_neutral(motion: AnyMotion) -> None:
    """Raise InputError where the neutral frame lies beyond the driver."""
    if motion.settings.neutral_frame is not None:
        check_range("neutral_frame", motion.settings.neutral_frame, 0, len(motion) - 1)


def overlay_frames(
    clip: VideoClip,
    motion: AnyMotion,
    head: HeadFiles | None,
    *,
    device: torch.device | str = "cpu",
    progress: Progress = no_progress,
) -> Iterator[Tensor]:
    """The driving clip with the tracked mesh over it, (n, 3, h, w) uint8 a few frames at a time."""
    driver, size = motion.driver, (clip.height, clip.width)
    if isinstance(driver, FaceTrack):
        cover = face_cover(driver)
    else:
        cover = head_cover(driver, _model(head).to(device))
    drawn = MeshOverlay(cover, size, driver.valid, device=device)
    window, done = Window(0, 0, clip.width, clip.height), 0
    for batch in clip.batches(_BATCH):
        progress("overlay", done, len(motion))
        frames = range(done, min(done + len(batch), len(motion)))
        yield drawn.draw(batch[: len(frames)], frames, window)
        done += len(batch)


def edited(
    motion: AnyMotion,
    head: HeadFiles | None,
    settings: TransferSettings,
    keys: str = "",
    way: str = "replace",
) -> AnyMotion:
    """The same motion, carried over by other settings, with key frames on the driver.

    Args:
        head: of a `MotionTrack`.
        keys: key frames as `keyframes.files` has them in files, JSON or CSV; "" for none. Keys of
            the gaze act alone where its gain is 0.
        way: one of `keyed.WAYS`.

    Raises InputError for keys that cannot be read, or without a head model, and as
    `check_neutral`.
    """
    changed = replace(motion, settings=settings)
    check_neutral(changed)
    if not keys.strip():
        return changed
    if isinstance(motion, LandmarkMotion):
        raise InputError(
            "key frames move a head model, and this motion is of the face mesh alone: leave keys "
            "empty, or track with a head model"
        )
    model = _model(head)
    read = read_text(keys, "keys", len(model.expression_basis))
    driver = motion.driver
    if settings.gaze == 0 and any(name.startswith("gaze_") for name in read.channels):
        still = replace(driver.params, eye_pose=torch.zeros_like(driver.params.eye_pose))
        driver = replace(driver, params=still)
        changed = replace(changed, settings=replace(settings, gaze=1.0))
    return replace(changed, driver=keyed(driver, read, model, way))


def without_effect(motion: AnyMotion) -> tuple[str, ...]:
    """A line where settings do nothing, for the motion is of the face mesh alone; () for none."""
    asked, plain = motion.settings, TransferSettings()
    names = ("translation", "gaze", "pivot")
    idle = [name for name in names if getattr(asked, name) != getattr(plain, name)]
    if not idle or not isinstance(motion, LandmarkMotion):
        return ()
    told = " and ".join(", ".join(idle).rsplit(", ", 1))
    verb = "does" if len(idle) == 1 else "do"
    return (
        f"{told} of Motion Edit {verb} nothing here: the track is {LANDMARKS_ONLY}, without a head "
        "model. Its face stays in its place, and its eyes turn with eyelids.",
    )


def _model(head: HeadFiles | None) -> HeadModel:
    if head is None:
        raise InputError("a motion of a head model needs that head model: load it again")
    return head.head
