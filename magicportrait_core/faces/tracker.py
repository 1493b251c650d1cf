"""One face through a clip, or in a picture: 478 landmarks a frame.

Offline, in two or three readings of the clip: every frame's faces are found and linked to
people; the chosen person's mesh is taken again in crops that are smoothed over time; frames
that still show nothing are searched at higher zoom, and what stays lost is interpolated.
"""

from __future__ import annotations

import warnings
from fractions import Fraction

import torch
from torch import Tensor

from ..checks import check_choice, check_range, check_shape
from ..errors import InputError, MagicPortraitWarning, NoFaceError
from ..threads import one_thread
from ..types import FaceTrack, Progress, VideoClip, no_progress
from .crop import MARGIN, crops_from_landmarks, tiles, whole
from .following import ZOOM, Following, fill, numbered, refine, search, without_cut
from .linking import link
from .networks import FaceNetworks
from .scan import Sighting, bounds, scan
from .selection import CHOICES, choose_person
from .smoothing import runs, smooth_landmarks

MIN_SIDE = 64  #: px, of a picture
MIN_FACE = 32  #: px, of the face in a picture
PICTURE_ZOOMS = (2.0, 4.0)  #: tried one after the other
_WANTED = ": give a clip of one face that is seen from the front, well lit, with nothing before it"


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
    listed in a `MagicPortraitWarning`; a clip of one frame calls for one, too. Raises
    `NoFaceError` where no frame shows a face.
    """
    check_choice("face", face, CHOICES)
    check_range("smoothing", smoothing, 0, 1)
    several = face != "largest"
    sightings = _scan_clip(clip, networks, progress, zoom=1.0 if several else None)
    if not any(sightings):
        sightings = _scan_clip(clip, networks, progress, zoom=ZOOM)
    people = link(sightings)
    if not people:
        raise NoFaceError(f"no frame of {clip.name} shows a face{_WANTED}")
    person = choose_person(people, face, face_index, clip.name)
    others = [p for p in people if p is not person]
    frames = refine(clip, networks, person, others, len(sightings), progress)
    if not frames.valid.all():
        frames = search(clip, networks, frames, person, others, progress)
    frames = without_cut(frames, clip.height, clip.width)
    if not frames.valid.any():
        raise NoFaceError(f"no frame of {clip.name} shows a face{_WANTED}")
    return finish_track(frames, clip, smoothing)


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

    A `MagicPortraitWarning` says which is taken where "largest" has a choice.

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
    people = link([found])
    person = choose_person(people, face, face_index, name)
    seen = person.last
    if len(people) > 1 and face == "largest":
        middle = float(seen.crop[0]) / width
        side = "left" if middle < 0.4 else "right" if middle > 0.6 else "middle"
        _warn(
            f"{name} shows {len(people)} faces: the largest, at the {side}, is taken; cut the "
            "picture to have another"
        )
    side = float(seen.crop[2]) / MARGIN
    if side < MIN_FACE:
        raise InputError(
            f"the face in {name} is only {side:.0f} px wide: give a picture with one of at "
            f"least {MIN_FACE} px"
        )
    score = torch.tensor([seen.presence])
    landmarks = seen.landmarks.clone()[None]  # an ordinary tensor, not one of inference mode
    valid = torch.ones(1, dtype=torch.bool)
    return FaceTrack(bounds(landmarks), landmarks, score, valid, (height, width), Fraction(25))


def _scan_clip(
    clip: VideoClip, networks: FaceNetworks, progress: Progress, zoom: float | None
) -> list[list[Sighting]]:
    """The faces of every frame, seen as a whole and, with ``zoom``, in tiles too."""
    squares = whole(clip.height, clip.width)
    if zoom is not None and (zoom > 1 or clip.height != clip.width):
        squares = torch.cat([squares, tiles(clip.height, clip.width, zoom)])
    frames = numbered(clip, clip.frame_count, "finding faces", progress)
    return list(scan(frames, networks, lambda _index, _image: squares))


def finish_track(frames: Following, clip: VideoClip, smoothing: float) -> FaceTrack:
    """Interpolate lost frames, saying which, and smooth what stays together."""
    if len(frames.crops) == 1:
        _warn(f"{clip.name} has one frame, in which nothing moves: give a clip to drive with")
    _warn_of_gaps(frames.valid, clip.name)
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
    text = (
        f"{name}: no face found in {len(lost)} of {len(valid)} frames ({listed}, counted from "
        "0); their landmarks are interpolated"
    )
    if not (valid[0] and valid[-1]):
        text += ", and stand still before the first and after the last face seen: cut those off"
    _warn(text)


def _warn(text: str) -> None:
    warnings.warn(text, MagicPortraitWarning, stacklevel=6)
