"""One face through a clip, or in a picture: 478 landmarks a frame.

Offline, in two or three readings of the clip: every frame's faces are found and linked to
people; the chosen person's mesh is taken again in crops that are smoothed over time; frames
that still show nothing are searched at higher zoom, and what stays lost is interpolated.
"""

from __future__ import annotations

import math
import warnings
from collections.abc import Iterator
from dataclasses import dataclass
from fractions import Fraction

import torch
from torch import Tensor

from ..checks import check_choice, check_range, check_shape
from ..errors import InputError, MagicPortraitWarning, NoFaceError
from ..topology import NUM_LANDMARKS
from ..types import FaceTrack, Progress, VideoClip, no_progress
from .crop import MARGIN, crops_from_landmarks, tiles, whole
from .detector import overlap
from .linking import LOOK_LIMIT, Person, link, look_distance
from .networks import FaceNetworks, one_thread
from .scan import PRESENT, Numbered, Sighting, batched, bounds, scan, settle
from .selection import CHOICES, choose_person
from .smoothing import runs, smooth_crops, smooth_landmarks

MIN_SIDE = 64  #: px, of a picture
MIN_FACE = 32  #: px, of the face in a picture
ZOOM = 2.0  #: of the search where the whole picture shows no face
PICTURE_ZOOMS = (2.0, 4.0)
SAME_PLACE = 0.15  #: overlap (IoU) with another face from which on an unseen face is hidden
STRAY = 0.35  #: crop sides, and ln of the ratio of sides, from the expected crop
NEAR = 1.0  #: crop sides from the expected place within which a lost face may be found again


@dataclass
class _Frames:
    """What is known of the person, by frame; grows more certain pass by pass."""

    crops: Tensor  #: (t, 4)
    landmarks: Tensor  #: (t, 478, 3)
    presence: Tensor  #: (t,)

    @property
    def valid(self) -> Tensor:
        return self.presence > PRESENT


@one_thread()
def track_faces(
    clip: VideoClip,
    networks: FaceNetworks,
    *,
    face: str = "largest",
    face_index: int = 0,
    smoothing: float = 0.5,
    progress: Progress = no_progress,
) -> FaceTrack:
    """Follow one face through a clip.

    Args:
        clip: is read two times, three where a face is lost.
        face: "largest" (median area), "left_to_right" or "index" (by size); the last two
            with ``face_index``, from 0.
        smoothing: of the landmarks, zero-phase; 0 none, 1 strongest.

    Frames in which the face is not found are interpolated, marked in `FaceTrack.valid` and
    listed in a `MagicPortraitWarning`. Raises `NoFaceError` where no frame shows a face.
    """
    check_choice("face", face, CHOICES)
    check_range("smoothing", smoothing, 0, 1)
    several = face != "largest"
    sightings = _scan_clip(clip, networks, progress, zoom=1.0 if several else None)
    if not any(sightings):
        sightings = _scan_clip(clip, networks, progress, zoom=ZOOM)
    people = link(sightings)
    if not people:
        raise NoFaceError(f"no frame of {clip.name} shows a face")
    person = choose_person(people, face, face_index, clip.name)
    others = [p for p in people if p is not person]
    frames = _refine(clip, networks, person, others, len(sightings), progress)
    if not frames.valid.all():
        frames = _search(clip, networks, frames, person, others, progress)
    if not frames.valid.any():
        raise NoFaceError(f"no frame of {clip.name} shows a face")
    _warn_of_gaps(frames.valid, clip.name)
    return _finish(frames, clip, smoothing)


@one_thread()
def track_image(
    image: Tensor,
    networks: FaceNetworks,
    *,
    face: str = "largest",
    face_index: int = 0,
    name: str = "the picture",
) -> FaceTrack:
    """The face of one picture, (3, h, w) uint8, as a track of one frame.

    Raises `InputError` where the picture or its face is too small, `NoFaceError` where there is
    no face.
    """
    sizes = check_shape("image", image, 3, "h", "w")
    height, width = sizes["h"], sizes["w"]
    if min(height, width) < MIN_SIDE:
        raise InputError(
            f"{name} is {width} x {height} px, too small to animate: give one of at least "
            f"{MIN_SIDE} x {MIN_SIDE} px"
        )
    searches = [whole(height, width), *(tiles(height, width, zoom) for zoom in PICTURE_ZOOMS)]
    found: list[Sighting] = []
    for squares in searches:
        (found,) = scan([(0, image)], networks, lambda _i, _x, s=squares: s, final=True)
        found = [s for s in found if s.present]
        if found:
            break
    if not found:
        raise NoFaceError(f"{name} shows no face; give a picture with a face seen from the front")
    person = choose_person(link([found]), face, face_index, name)
    seen = person.last
    side = float(seen.crop[2]) / MARGIN
    if side < MIN_FACE:
        raise InputError(
            f"the face in {name} is only {side:.0f} px wide: give a picture with one of at "
            f"least {MIN_FACE} px"
        )
    score = torch.tensor([seen.presence])
    landmarks = seen.landmarks[None]
    valid = torch.ones(1, dtype=torch.bool)
    return FaceTrack(bounds(landmarks), landmarks, score, valid, (height, width), Fraction(25))


def _numbered(clip: VideoClip, total: int, stage: str, progress: Progress) -> Iterator[Numbered]:
    for index, frame in enumerate(clip):
        progress(stage, index, max(total, index + 1))
        yield index, frame.image
    progress(stage, total, total)


def _scan_clip(
    clip: VideoClip, networks: FaceNetworks, progress: Progress, zoom: float | None
) -> list[list[Sighting]]:
    """The faces of every frame, seen as a whole and, with ``zoom``, in tiles too."""
    squares = whole(clip.height, clip.width)
    if zoom is not None and (zoom > 1 or clip.height != clip.width):
        squares = torch.cat([squares, tiles(clip.height, clip.width, zoom)])
    frames = _numbered(clip, clip.frame_count, "finding faces", progress)
    return list(scan(frames, networks, lambda _index, _image: squares))


def _refine(
    clip: VideoClip,
    networks: FaceNetworks,
    person: Person,
    others: list[Person],
    count: int,
    progress: Progress,
) -> _Frames:
    """Second mesh pass, in every frame's smoothed (where unseen: interpolated) crop."""
    known = torch.tensor(sorted(person.sightings))
    crops = fill(torch.stack([person.sightings[int(i)].crop for i in known]), known, count)
    for run in runs(crops):
        crops[run] = smooth_crops(crops[run], float(clip.fps))
    landmarks, presence = torch.zeros(count, NUM_LANDMARKS, 3), torch.zeros(count)
    frames = _numbered(clip, count, "following the face", progress)
    for batch in batched(frames):
        rows = [index for index, _ in batch if index < count]
        images = [image for index, image in batch if index < count]
        if rows:
            with torch.inference_mode():
                _, landmarks[rows], presence[rows], _ = settle(
                    images, crops[rows], networks, soft=True
                )
    for index in range(count):
        if index in person.sightings:
            continue
        strayed = _strayed(crops_from_landmarks(landmarks[index : index + 1])[0], crops[index])
        if strayed or _is_other(landmarks[index], others, index):
            presence[index] = 0
    return _Frames(crops, landmarks, presence)


def _strayed(crop: Tensor, expected: Tensor) -> bool:
    """Whether a mesh found where none was seen is not where or as large as it should be."""
    away = float((crop[:2] - expected[:2]).norm() / expected[2])
    return away > STRAY or abs(float((crop[2] / expected[2]).log())) > STRAY


def _is_other(landmarks: Tensor, others: list[Person], frame: int) -> bool:
    """Whether a mesh lies on the face of somebody else."""
    boxes = [bounds(p.sightings[frame].landmarks[None]) for p in others if frame in p.sightings]
    if not boxes:
        return False
    return bool((overlap(bounds(landmarks[None]), torch.cat(boxes)) > SAME_PLACE).any())


def _search(
    clip: VideoClip,
    networks: FaceNetworks,
    frames: _Frames,
    person: Person,
    others: list[Person],
    progress: Progress,
) -> _Frames:
    """Look for the face at higher zoom where it was lost; take what is near and looks alike."""
    count = len(frames.crops)
    lost = (~frames.valid).tolist()

    def windows(index: int, image: Tensor) -> Tensor:
        x, y, side, _ = frames.crops[index].tolist()
        expected = torch.tensor([[x, y, side * 1.5, 0.0]])
        return torch.cat([expected, tiles(*image.shape[1:], ZOOM)])

    numbered = _numbered(clip, count, "searching lost frames", progress)
    wanted = ((i, image) for i, image in numbered if i < count and lost[i])
    found = _Frames(frames.crops.clone(), frames.landmarks.clone(), frames.presence.clone())
    for sightings in scan(wanted, networks, windows, final=True):
        for seen in sorted(sightings, key=lambda s: look_distance(s.look, person.look)):
            expected = frames.crops[seen.frame]
            away = float((seen.crop[:2] - expected[:2]).norm() / expected[2])
            alike = look_distance(seen.look, person.look) < LOOK_LIMIT
            if not (seen.present and away < NEAR and alike):
                continue
            if _is_other(seen.landmarks, others, seen.frame):
                continue
            found.crops[seen.frame] = seen.crop
            found.landmarks[seen.frame] = seen.landmarks
            found.presence[seen.frame] = seen.presence
            break
    return found


def fill(values: Tensor, known: Tensor, count: int) -> Tensor:
    """Linear in time between known frames, held before the first and after the last.

    (k, ...) values at the sorted frames ``known`` (k,) -> (count, ...). Angles of crops (the
    last of four columns) are unwrapped.
    """
    if values.ndim == 2 and values.shape[1] == 4:
        turns = torch.round(values[:, 3].diff() / (2 * math.pi)).cumsum(0) * (2 * math.pi)
        values = values.clone()
        values[1:, 3] -= turns
    at = torch.arange(count)
    after = torch.searchsorted(known, at).clamp(max=len(known) - 1)
    before = (torch.searchsorted(known, at, right=True) - 1).clamp(min=0)
    span = (known[after] - known[before]).clamp(min=1)
    share = ((at - known[before]) / span).clamp(0, 1).reshape(-1, *[1] * (values.ndim - 1))
    return values[before] * (1 - share) + values[after] * share


def _finish(frames: _Frames, clip: VideoClip, smoothing: float) -> FaceTrack:
    """Interpolate lost frames and smooth what stays together."""
    known = frames.valid.nonzero()[:, 0]
    landmarks = fill(frames.landmarks[known], known, len(frames.crops))
    for run in runs(crops_from_landmarks(landmarks)):
        landmarks[run] = smooth_landmarks(landmarks[run], float(clip.fps), smoothing)
    size = (clip.height, clip.width)
    return FaceTrack(bounds(landmarks), landmarks, frames.presence, frames.valid, size, clip.fps)


def _warn_of_gaps(valid: Tensor, name: str) -> None:
    lost = (~valid).nonzero()[:, 0].tolist()
    if not lost:
        return
    ranges: list[list[int]] = []
    for frame in lost:
        if ranges and frame == ranges[-1][1] + 1:
            ranges[-1][1] = frame
        else:
            ranges.append([frame, frame])
    listed = ", ".join(str(a) if a == b else f"{a}-{b}" for a, b in ranges)
    warnings.warn(
        f"{name}: no face found in {len(lost)} of {len(valid)} frames ({listed}, counted from "
        "0); their landmarks are interpolated",
        MagicPortraitWarning,
        stacklevel=4,
    )
