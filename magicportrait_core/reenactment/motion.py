"""The portrait and what drives it, found once and kept in the run folder."""

from __future__ import annotations

import json
import warnings
from dataclasses import dataclass, replace
from pathlib import Path

import torch
import torch.nn.functional as F
from torch import Tensor

from ..checks import check_range
from ..drivers import TRACK_SUFFIX, FaceChoice, Trimming, follow, open_clip, open_driver
from ..errors import InputError, MagicPortraitWarning
from ..faces.framing import Framed, frame_portrait
from ..faces.networks import FaceNetworks, load_networks
from ..faces.tracker import track_image
from ..files import replacing
from ..flame.keyframes.keyframes import read_keyframes
from ..flame.library.library import AUTO, heads, open_head
from ..flame.trackers import TRACKERS
from ..model_files.head_models import (
    TrackerChoice,
    choose_tracker,
    flame_folder,
    head_of,
    make_tracker,
)
from ..motion.choice import LANDMARKS_ONLY
from ..motion.maps_scene import KEYFRAMES
from ..motion.pipeline import AnyMotion, CropSettings, HeadFiles, track_motion
from ..pictures import to_float, to_uint8
from ..threads import one_thread
from ..tracks import (
    kind_of,
    load_head_track,
    load_motion,
    load_track,
    save_motion,
    save_track,
)
from ..types import (
    FaceTrack,
    HeadTrack,
    LandmarkMotion,
    MotionTrack,
    Progress,
    VideoClip,
)
from ..video import open_image, write_image
from ..weights.advice import whereabouts
from .runs import DRIVER_FACE, MOTION, OWN_FACE, PORTRAIT, TRACKED, RunFolder
from .settings import DiffusionSettings

Source = VideoClip | FaceTrack | HeadTrack


@dataclass(frozen=True)
class Found:
    """A portrait, cut out, and the motion that it wears."""

    picture: Tensor  #: (3, h, w) uint8, sides multiples of 8
    motion: AnyMotion
    choice: TrackerChoice
    own_face: FaceTrack  #: t = 1, in the picture
    driver_face: FaceTrack | None  #: None: the driver came as a head track


def head_files(settings: DiffusionSettings, models: Path, progress: Progress) -> HeadFiles | None:
    """The head model that the settings name; None where auto finds none, or none is wanted."""
    if settings.tracker == LANDMARKS_ONLY:
        return None
    folder = flame_folder(models, progress)
    if settings.head == AUTO and settings.tracker == AUTO and not heads(folder):
        return None
    return HeadFiles(open_head(folder, settings.head), folder)


def open_source(
    driving: str | Path,
    face: FaceChoice | None,
    trim: Trimming | None,
    head: HeadFiles | None,
    settings: DiffusionSettings,
) -> Source:
    """A clip, a track of landmarks or of a head, or key frames. Raises InputError."""
    path = Path(driving)
    keyed = path.suffix.lower() in KEYFRAMES
    kind = "clip"
    if path.suffix.lower() == TRACK_SUFFIX:
        kind = kind_of(path)
    if kind == "motion":
        raise InputError(
            f"{path.name} holds a portrait already: give the head track that drives it."
        )
    if kind == "landmarks":
        if settings.tracker not in (AUTO, LANDMARKS_ONLY):
            raise InputError(f"{path.name} is a landmark track: {settings.tracker} needs the clip.")
        source = open_driver(path, face, trim)
    elif kind == "flame" or keyed:
        if (face or FaceChoice()) != FaceChoice() or (trim or Trimming()) != Trimming():
            raise InputError(f"{path.name} is finished: choose and trim when it is made.")
        if head is None:
            raise InputError(f"{path.name} needs a head model: {whereabouts()} it comes from.")
        source = read_keyframes(path, head.head) if keyed else load_head_track(path)
    else:
        source = open_clip(driving, trim)
    count = source.frame_count if isinstance(source, VideoClip) else len(source)
    if settings.transfer.neutral_frame is not None:
        check_range("neutral_frame", settings.transfer.neutral_frame, 0, count - 1)
    return source


def find_motion(
    source: Source,
    picture: Tensor,
    head: HeadFiles | None,
    settings: DiffusionSettings,
    *,
    face: FaceChoice | None,
    networks: FaceNetworks | None,
    device: torch.device,
    progress: Progress,
) -> Found:
    """Track what is not tracked yet, and cut the portrait, (3, h, w) uint8, out."""
    picture, fitting = _fitted(picture, settings)
    crop = CropSettings(settings.crop, settings.crop_scale, settings.size)
    networks = networks or load_networks(device)
    if isinstance(source, VideoClip):
        seen = follow(source, face, networks, progress)
        found = track_motion(
            source, to_float(picture), head, tracker=settings.tracker, crop=crop,
            smoothing=(face or FaceChoice()).smoothing, face=seen, networks=networks,
            device=device, progress=progress,
        )  # fmt: skip
        framed, motion, choice = found.portrait, found.motion, found.choice
    else:
        own = track_image(picture, networks, name="the portrait")
        framed = frame_portrait(to_float(picture), own, crop.crop, crop.scale, crop.size)
        if isinstance(source, FaceTrack):
            seen, choice = source, TrackerChoice(LANDMARKS_ONLY, "the driver is a landmark track")
            motion = LandmarkMotion(framed.face, source, portrait_from_source=framed.from_source)
        else:
            seen = None
            motion, choice = _worn(source, framed, head, settings, device)
    place = motion.portrait_from_source @ fitting
    motion = replace(motion, settings=settings.transfer, portrait_from_source=place)
    return Found(to_uint8(framed.picture), motion, choice, framed.face, seen)


def warn_of_landmarks(found: Found) -> None:
    """Say that maps of the face mesh are not what the model was trained on."""
    if isinstance(found.motion, LandmarkMotion):
        warnings.warn(
            f"The maps are approximate ({found.choice.why}): they are of the face mesh, and the "
            f"diffusion model was trained on those of a whole head. {whereabouts()} head models "
            "come from.",
            MagicPortraitWarning,
            stacklevel=2,
        )


def keep(found: Found, folder: RunFolder) -> None:
    """Write it into a run folder."""
    write_image(folder.file(PORTRAIT), found.picture)
    save_track(folder.file(OWN_FACE), found.own_face)
    if found.driver_face is not None:
        save_track(folder.file(DRIVER_FACE), found.driver_face)
    about = {"tracker": found.choice.name, "why": found.choice.why}
    if isinstance(found.motion, MotionTrack):
        save_motion(folder.file(MOTION), found.motion)
    else:
        about["from_source"] = found.motion.portrait_from_source.tolist()
    with replacing(folder.file(TRACKED)) as temporary:
        temporary.write_text(json.dumps(about), encoding="utf-8")


def kept(folder: RunFolder, settings: DiffusionSettings) -> Found | None:
    """What :func:`keep` wrote; None where it did not come to its end."""
    if not folder.file(TRACKED).is_file():
        return None
    about = json.loads(folder.file(TRACKED).read_text(encoding="utf-8"))
    own = load_track(folder.file(OWN_FACE))
    seen = load_track(folder.file(DRIVER_FACE)) if folder.file(DRIVER_FACE).is_file() else None
    if "from_source" in about:
        place = torch.tensor(about["from_source"])
        motion = LandmarkMotion(own, seen, settings.transfer, place)
    else:
        motion = load_motion(folder.file(MOTION))
    choice = TrackerChoice(about["tracker"], about["why"])
    return Found(open_image(folder.file(PORTRAIT)), motion, choice, own, seen)


def _worn(
    driver: HeadTrack,
    framed: Framed,
    head: HeadFiles,
    settings: DiffusionSettings,
    device: torch.device,
) -> tuple[MotionTrack, TrackerChoice]:
    """The portrait's head found by the driver's tracker, so that both mean the same."""
    model = head_of(driver, head.folder, settings.head, "the driver")
    if settings.tracker == AUTO and driver.tracker in TRACKERS:
        choice = TrackerChoice(driver.tracker, "the driver's")
    else:
        choice = choose_tracker(settings.tracker, model, head.folder)
    tracker = make_tracker(choice, model, head.folder, device=device)
    still = to_uint8(framed.picture)[None]
    clip = VideoClip.from_tensor(still, framed.face.fps, "the portrait")
    with one_thread():
        portrait = tracker.track(clip, framed.face)
    return MotionTrack(portrait, driver, portrait_from_source=framed.from_source), choice


def _fitted(picture: Tensor, settings: DiffusionSettings) -> tuple[Tensor, Tensor]:
    """The picture, made smaller where all of it is taken and it is larger than wanted.

    And (3, 3), px of the picture as it was -> its px.
    """
    scale = settings.size / max(picture.shape[1:])
    if settings.crop != "none" or scale >= 1:
        return picture, torch.eye(3)
    size = [round(side * scale) for side in picture.shape[1:]]
    small = F.interpolate(to_float(picture)[None], size, mode="bicubic", antialias=True)[0]
    x, y = (new / old for new, old in zip(size[::-1], picture.shape[:0:-1], strict=True))
    return to_uint8(small), torch.tensor([[x, 0, x / 2 - 0.5], [0, y, y / 2 - 0.5], [0, 0, 1.0]])
