"""A track from landmarks that another detector found: any network of the 478-point topology."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import torch
from torch import Tensor

from ..checks import check_choice, check_range, check_shape
from ..errors import InputError, NoFaceError
from ..threads import one_thread
from ..topology import NUM_LANDMARKS
from ..types import FaceTrack, Progress, VideoClip, no_progress
from . import mesh
from .crop import crops_from_landmarks, sample_crop
from .following import Following, fill, numbered, without_cut
from .linking import link
from .scan import PRESENT, Sighting, look_of
from .selection import CHOICES, choose_person
from .tracker import finish_track

#: One face of one frame: (478, 3) px, z as in `FaceTrack`, and its presence 0..1.
GivenFace = tuple[Tensor, float]


@one_thread()
def track_given(
    clip: VideoClip,
    frames: Sequence[Sequence[GivenFace]],
    *,
    face: str = "largest",
    face_index: int = 0,
    smoothing: float = 0.5,
    progress: Progress = no_progress,
) -> FaceTrack:
    """`track_faces` with the faces already found; no network runs.

    Args:
        clip: is read once, for the colours that tell people apart.
        frames: the faces of each of the clip's frames, none where none was seen.
        face, face_index, smoothing: as in `track_faces`.

    Raises:
        InputError: another number of frames than the clip has, or landmarks of another topology.
        NoFaceError: no frame holds a face.
    """
    check_choice("face", face, CHOICES)
    check_range("smoothing", smoothing, 0, 1)
    seen = list(_sightings(clip, frames, progress))
    if len(seen) != len(frames):
        raise InputError(
            f"the landmarks are of {len(frames)} frames, {clip.name} has {len(seen)}: detect them "
            "in the same frames that are tracked."
        )
    people = link(seen)
    if not people:
        raise NoFaceError(f"the landmarks given show no face in any frame of {clip.name}")
    chosen = choose_person(people, face, face_index, clip.name).sightings
    known = torch.tensor(sorted(chosen))
    landmarks = fill(torch.stack([chosen[int(i)].landmarks for i in known]), known, len(seen))
    presence = torch.zeros(len(seen))
    presence[known] = torch.tensor([chosen[int(i)].presence for i in known])
    found = Following(crops_from_landmarks(landmarks), landmarks, presence)
    found = without_cut(found, clip.height, clip.width)
    return finish_track(found, clip, smoothing)


def _sightings(
    clip: VideoClip, frames: Sequence[Sequence[GivenFace]], progress: Progress
) -> Iterator[list[Sighting]]:
    """One list for each frame of the clip; empty beyond the frames given."""
    for index, image in numbered(clip, clip.frame_count, "reading the faces", progress):
        found = []
        for points, presence in frames[index] if index < len(frames) else ():
            check_shape("landmarks", points, NUM_LANDMARKS, 3)
            if presence <= PRESENT:
                continue
            crop = crops_from_landmarks(points[None])[0]
            look = look_of(sample_crop(image, crop, mesh.INPUT_SIZE)[None])[0]
            found.append(Sighting(index, crop, points, presence, look))
        yield found
