"""Look for faces in pictures: detector, then the mesh in the detector's box."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from itertools import islice

import torch
import torch.nn.functional as F
from torch import Tensor

from ..topology import NUM_MESH
from . import detector, mesh
from .crop import (
    crop_matrix,
    crops_from_detections,
    crops_from_landmarks,
    points_to_picture,
    sample_crop,
)
from .detector import MAX_OVERLAP, Detections, merge_overlapping, overlap
from .networks import FaceNetworks

BATCH = 16
BATCH_PIXELS = 16 * 1024 * 1024  #: pictures held at once, in pixels of all together
MAX_FACES = 8  #: in one picture, the best scored
PRESENT = 0.5  #: presence above which there is a face
SMALL = 0.2  #: of its window, below which a detected box is not trusted but looked at again
NEARER = 3.0  #: side of that second window, in sides of the box
ROUNDS = 4  #: at most, to settle a crop
APART = (0.1, 0.16, 0.1)  #: crop sides, ln of the ratio of sides, radians that call for another
LOOK_GRID = 6  #: a face's look is its crop at this many px a side

#: One numbered picture, (3, h, w) uint8.
Numbered = tuple[int, Tensor]
#: The square windows of a picture that the detector is run on, (k, 4) crops.
Windows = Callable[[int, Tensor], Tensor]


@dataclass(frozen=True)
class Sighting:
    """One face in one frame."""

    frame: int
    crop: Tensor  #: (4,) where the mesh network should look next
    landmarks: Tensor  #: (478, 3) px
    presence: float  #: 0..1
    look: Tensor  #: (3 * LOOK_GRID ** 2,) colours of the upright face, to tell people apart

    @property
    def present(self) -> bool:
        return self.presence > PRESENT


def batched(frames: Iterable[Numbered]) -> Iterator[list[Numbered]]:
    """Groups small enough to hold: at most BATCH pictures, fewer where they are large."""
    frames = iter(frames)
    for first in frames:
        pixels = first[1].shape[1] * first[1].shape[2]
        more = max(0, min(BATCH, BATCH_PIXELS // pixels) - 1)
        yield [first, *islice(frames, more)]


def run_mesh(
    images: list[Tensor], crops: Tensor, networks: FaceNetworks, soft: bool = False
) -> tuple[Tensor, Tensor, Tensor]:
    """The mesh of one crop per picture: landmarks (n, 478, 3) px, presence (n,), looks (n, d)."""
    pairs = zip(images, crops, strict=True)
    patches = torch.stack([sample_crop(i, c, mesh.INPUT_SIZE, soft=soft) for i, c in pairs])
    inputs = patches.to(networks.device, memory_format=torch.channels_last)
    points, logits = networks.mesh(inputs)
    landmarks = points_to_picture(points.cpu(), crops, mesh.INPUT_SIZE)
    return landmarks, logits.sigmoid().cpu(), look_of(patches)


def look_of(patches: Tensor) -> Tensor:
    """(n, 3, 192, 192) crops -> (n, 3 * LOOK_GRID ** 2) colours of the faces in them."""
    return F.adaptive_avg_pool2d(patches[..., 24:-24, 24:-24], LOOK_GRID).flatten(1)


def settle(
    images: list[Tensor], crops: Tensor, networks: FaceNetworks, soft: bool = False
) -> tuple[Tensor, Tensor, Tensor, Tensor]:
    """As `run_mesh`, again in its own crop where that lies far from the crop given.

    Returns next crops (n, 4), landmarks, presence and looks. A next crop follows the mesh where
    a face is present, else it is the one given.
    """
    landmarks, presence, looks = run_mesh(images, crops, networks, soft)
    for _ in range(ROUNDS):
        follow = presence > PRESENT
        again = (follow & _apart(crops, crops_from_landmarks(landmarks))).nonzero()[:, 0]
        if len(again) == 0:
            break
        crops = crops.clone()
        crops[again] = crops_from_landmarks(landmarks[again])
        better = run_mesh([images[i] for i in again], crops[again], networks, soft)
        landmarks[again], presence[again], looks[again] = better
    follow = (presence > PRESENT)[:, None]
    crops = torch.where(follow, crops_from_landmarks(landmarks), crops)
    return crops, landmarks, presence, looks


def _apart(a: Tensor, b: Tensor) -> Tensor:
    """(n,) bool: crops that differ by more than APART."""
    away = (a[:, :2] - b[:, :2]).norm(dim=-1) / b[:, 2]
    growth = (a[:, 2] / b[:, 2]).log().abs()
    turn = torch.remainder(a[:, 3] - b[:, 3] + torch.pi, 2 * torch.pi) - torch.pi
    return (away > APART[0]) | (growth > APART[1]) | (turn.abs() > APART[2])


def detect(batch: list[Numbered], networks: FaceNetworks, windows: Windows) -> list[Detections]:
    """The faces of each picture, in its pixels; small ones are looked at again from nearer."""
    images = [image for _, image in batch]
    squares = [windows(index, image) for index, image in batch]
    faces = _detect(images, squares, networks)
    nearer, kept = [], []
    for found, group in zip(faces, squares, strict=True):
        side = (found.boxes[:, 2:] - found.boxes[:, :2]).amax(-1)
        small = side < SMALL * group[:, 2].min()
        kept.append(found.where(~small))
        middle = (found.boxes[small, :2] + found.boxes[small, 2:]) / 2
        rest = torch.stack([side[small] * NEARER, torch.zeros_like(side[small])], -1)
        nearer.append(torch.cat([middle, rest], -1))
    again = [i for i, group in enumerate(nearer) if len(group)]
    better = _detect([images[i] for i in again], [nearer[i] for i in again], networks)
    for i, found in zip(again, better, strict=True):
        faces[i] = merge_overlapping(Detections.joined([kept[i], found]))
    return faces


def _detect(
    images: list[Tensor], squares: list[Tensor], networks: FaceNetworks
) -> list[Detections]:
    """The faces of each picture (3, h, w), looked for in each of its squares (k, 4)."""
    patches = [
        sample_crop(image, square, detector.INPUT_SIZE, "zeros")
        for image, group in zip(images, squares, strict=True)
        for square in group
    ]
    faces: list[Detections] = []
    for start in range(0, len(patches), BATCH):
        inputs = torch.stack(patches[start : start + BATCH])
        inputs = inputs.to(networks.device, memory_format=torch.channels_last)
        faces.extend(networks.detector(inputs))
    found = iter(faces)
    return [_gather([next(found) for _ in group], group) for group in squares]


def _gather(found: list[Detections], windows: Tensor) -> Detections:
    """One picture's faces from all of its windows, in picture pixels."""
    matrices = crop_matrix(windows, detector.INPUT_SIZE)
    moved = []
    for faces, matrix in zip(found, matrices, strict=True):  # windows are never turned
        scale, shift = matrix[0, 0], matrix[:, 2]
        boxes = faces.boxes.cpu() * scale + shift.repeat(2)
        moved.append(Detections(boxes, faces.keypoints.cpu() * scale + shift, faces.scores.cpu()))
    return moved[0] if len(moved) == 1 else merge_overlapping(Detections.joined(moved))


@torch.inference_mode()
def scan(
    frames: Iterable[Numbered],
    networks: FaceNetworks,
    windows: Windows,
    final: bool = False,
) -> Iterator[list[Sighting]]:
    """Yield the faces of each picture, in order; ``final`` adds a last, softer pass."""
    for batch in batched(frames):
        faces = detect(batch, networks, windows)
        owners = [i for i, group in enumerate(faces) for _ in range(len(group.scores[:MAX_FACES]))]
        seen: list[list[Sighting]] = [[] for _ in batch]
        crops = torch.cat([crops_from_detections(group)[:MAX_FACES] for group in faces])
        for start in range(0, len(owners), BATCH):
            part = owners[start : start + BATCH]
            images = [batch[i][1] for i in part]
            results = settle(images, crops[start : start + BATCH], networks)
            if final:
                results = settle(images, results[0], networks, soft=True)
            for owner, *values in zip(part, *results, strict=True):
                crop, landmarks, presence, look = values
                sighting = Sighting(batch[owner][0], crop, landmarks, float(presence), look)
                seen[owner].append(sighting)
        yield from (_distinct(group) for group in seen)


def bounds(landmarks: Tensor) -> Tensor:
    """(n, 478, 3) -> (n, 4) x0, y0, x1, y1 of the mesh."""
    points = landmarks[:, :NUM_MESH, :2]
    return torch.cat([points.amin(1), points.amax(1)], -1)


def _distinct(sightings: list[Sighting]) -> list[Sighting]:
    """Without those whose mesh came to lie on the same face as a surer one's."""
    kept: list[Sighting] = []
    for sighting in sorted(sightings, key=lambda s: -s.presence):
        box = bounds(sighting.landmarks[None])
        meshes = [k.landmarks for k in kept]
        if not kept or overlap(box, bounds(torch.stack(meshes))).max() < MAX_OVERLAP:
            kept.append(sighting)
    return kept
