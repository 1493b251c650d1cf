"""The face mesh of a landmark track as something to render."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor

from ..checks import check_shape
from ..light import FRONT_LIGHT, SKIN
from ..topology import LEFT_EYE, LIPS_INNER, NUM_MESH, RIGHT_EYE, TRIANGLES
from ..types import FaceTrack, MeshBatch, MeshSequence

#: Rings of holes, which of their points lie across from each other in the middle, and how far the
#: middle of what closes the hole lies behind its rim, as a share of the distance of these two: an
#: eyeball bulges, a mouth is hollow.
_HOLES = ((RIGHT_EYE, (4, 12), -0.3), (LEFT_EYE, (4, 12), -0.3), (LIPS_INNER, (0, 10), 1.0))


class LandmarkMesh(MeshSequence):
    """The mesh through a clip; see :func:`landmark_mesh`."""

    def __init__(self, track: FaceTrack, lighting: Tensor, colour: Tensor, closed: bool) -> None:
        check_shape("lighting", lighting, 9, 3)
        check_shape("colour", colour, 3, 1, 1)
        self.track, self.lighting, self.albedo, self.closed = track, lighting, colour, closed
        self.faces, self.uvs, self.uv_faces = TRIANGLES, None, None
        if closed:
            self.faces = torch.cat([TRIANGLES, *(fan(i) for i in range(len(_HOLES)))])
        self.fps = track.fps

    def __len__(self) -> int:
        return len(self.track)

    def meshes(self, frames: Sequence[int], height: int, width: int) -> MeshBatch:
        points = self.track.landmarks[list(frames), :NUM_MESH].float()
        if self.closed:
            points = torch.cat([points, middles(points)], 1)
        rows, columns = self.track.frame_size
        scale = max(height / rows, width / columns)
        centre = points.new_tensor([columns / 2 - 0.5, rows / 2 - 0.5, 0.0])
        # z is measured in units of x; smaller is nearer in the track as on the screen
        unit = points.new_tensor([width, height, width]) / (2 * scale)
        return MeshBatch(
            world=points * points.new_tensor([1.0, -1.0, -1.0]),
            screen=(points - centre) / unit,
            lighting=self.lighting.expand(len(points), 9, 3),
        )


def landmark_mesh(
    track: FaceTrack,
    *,
    lighting: Tensor = FRONT_LIGHT,
    colour: Tensor = SKIN,
    closed: bool = True,
) -> MeshSequence:
    """A landmark track as a mesh in one colour: 468 points and 852 triangles a frame.

    In a picture of another size than the track's, the track's frame is scaled to cover it and
    centred: a picture is cropped, never stretched.

    Args:
        track: of any frame size.
        lighting: (9, 3) spherical harmonics RGB; axes x to the picture's right, y up, z to the
            viewer.
        colour: (3, 1, 1) RGB 0..1.
        closed: close eyes and mouth, which are holes, by 3 more points and 52 triangles.
    """
    return LandmarkMesh(track, lighting, colour, closed)


def fan(hole: int) -> Tensor:
    """(k, 3) triangles from a hole's ring to its middle, which is point NUM_MESH + ``hole``."""
    ring = torch.tensor(_HOLES[hole][0])
    return torch.stack([ring, ring.roll(-1), torch.full_like(ring, NUM_MESH + hole)], 1)


def middles(points: Tensor) -> Tensor:
    """(n, 468, 3) px -> (n, 3, 3): a point in the middle of each hole."""
    found = []
    for ring, across, depth in _HOLES:
        rim = points[:, list(ring)]
        upper, lower = rim[:, list(across), :2].unbind(1)
        middle = rim.mean(1)
        middle[:, 2] += depth * (upper - lower).norm(dim=1)
        found.append(middle)
    return torch.stack(found, 1)
