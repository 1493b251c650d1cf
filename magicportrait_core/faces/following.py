"""Follow one person through a clip, given where they were seen.

The mesh is taken in every frame in a crop smoothed over time; where the person was not seen, in
a crop between its neighbours'; and where that shows nothing, wherever a closer look finds them.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass, replace

import torch
from torch import Tensor

from ..topology import NUM_LANDMARKS, NUM_MESH
from ..types import Progress, VideoClip
from .crop import crops_from_landmarks, tiles
from .detector import overlap
from .linking import LOOK_LIMIT, Person, look_distance
from .networks import FaceNetworks
from .scan import PRESENT, Numbered, Sighting, batched, bounds, scan, settle
from .smoothing import runs, smooth_crops

ZOOM = 2.0  #: of the search where the whole picture shows no face
HIDDEN = 0.15  #: overlap (IoU) with somebody else's face from which on an unseen face is hidden
STRAY = 0.35  #: crop sides, and ln of the ratio of sides, from the expected crop
MOST_CUT = 0.25  #: of the mesh beyond the picture, more than in the median frame
NEAR = 1.0  #: crop sides from the expected place within which a lost face may be found again


def numbered(clip: VideoClip, total: int, stage: str, progress: Progress) -> Iterator[Numbered]:
    """The clip's frames with their numbers; ``total`` is what the clip announces."""
    index = -1
    for index, frame in enumerate(clip):
        progress(stage, index, max(total, index + 1))
        yield index, frame.image
    progress(stage, index + 1, index + 1)


@dataclass(frozen=True)
class Following:
    """What is known of the person, by frame; grows more certain pass by pass."""

    crops: Tensor  #: (t, 4)
    landmarks: Tensor  #: (t, 478, 3)
    presence: Tensor  #: (t,)

    @property
    def valid(self) -> Tensor:
        return self.presence > PRESENT


def refine(
    clip: VideoClip,
    networks: FaceNetworks,
    person: Person,
    others: list[Person],
    count: int,
    progress: Progress,
) -> Following:
    """Second mesh pass, in every frame's smoothed (where unseen: interpolated) crop."""
    known = torch.tensor(sorted(person.sightings))
    crops = fill(torch.stack([person.sightings[int(i)].crop for i in known]), known, count)
    for run in runs(crops):
        crops[run] = smooth_crops(crops[run], float(clip.fps))
    landmarks, presence = torch.zeros(count, NUM_LANDMARKS, 3), torch.zeros(count)
    frames = numbered(clip, count, "following the face", progress)
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
    return Following(crops, landmarks, presence)


def _strayed(crop: Tensor, expected: Tensor) -> bool:
    """Whether a mesh found where none was seen is not where or as large as it should be."""
    away = float((crop[:2] - expected[:2]).norm() / expected[2])
    return away > STRAY or abs(float((crop[2] / expected[2]).log())) > STRAY


def _is_same(seen: Sighting, expected: Tensor, person: Person) -> bool:
    """Whether a face found by searching is near the expected crop and looks like the person."""
    away = float((seen.crop[:2] - expected[:2]).norm() / expected[2])
    return seen.present and away < NEAR and look_distance(seen.look, person.look) < LOOK_LIMIT


def _is_other(landmarks: Tensor, others: list[Person], frame: int) -> bool:
    """Whether a mesh lies on the face of somebody else."""
    boxes = [bounds(p.sightings[frame].landmarks[None]) for p in others if frame in p.sightings]
    if not boxes:
        return False
    return bool((overlap(bounds(landmarks[None]), torch.cat(boxes)) > HIDDEN).any())


def search(
    clip: VideoClip,
    networks: FaceNetworks,
    frames: Following,
    person: Person,
    others: list[Person],
    progress: Progress,
) -> Following:
    """Look for the face at higher zoom where it was lost; take what is near and looks alike."""
    count = len(frames.crops)
    lost = (~frames.valid).tolist()

    def windows(index: int, image: Tensor) -> Tensor:
        x, y, side, _ = frames.crops[index].tolist()
        expected = torch.tensor([[x, y, side * 1.5, 0.0]])
        return torch.cat([expected, tiles(*image.shape[1:], ZOOM)])

    frames_read = numbered(clip, count, "searching lost frames", progress)
    wanted = ((i, image) for i, image in frames_read if i < count and lost[i])
    found = Following(frames.crops.clone(), frames.landmarks.clone(), frames.presence.clone())
    for sightings in scan(wanted, networks, windows, final=True):
        for seen in sorted(sightings, key=lambda s: look_distance(s.look, person.look)):
            expected = frames.crops[seen.frame]
            if _is_same(seen, expected, person) and not _is_other(
                seen.landmarks, others, seen.frame
            ):
                found.crops[seen.frame] = seen.crop
                found.landmarks[seen.frame] = seen.landmarks
                found.presence[seen.frame] = seen.presence
                break
    return found


def without_cut(frames: Following, height: int, width: int) -> Following:
    """Without the frames in which the picture's edge cuts the face, where it mostly does not.

    The network presses such a mesh into what is seen of the face.
    """
    x, y = frames.landmarks[:, :NUM_MESH, 0], frames.landmarks[:, :NUM_MESH, 1]
    inside = (x >= 0) & (x <= width - 1) & (y >= 0) & (y <= height - 1)
    cut = 1 - inside.float().mean(1)
    usual = cut[frames.valid].median() if frames.valid.any() else 0.0
    return replace(frames, presence=frames.presence.where(cut <= usual + MOST_CUT, 0.0))


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
