"""The face mesh of a landmark track as something to render."""

from __future__ import annotations

from collections.abc import Sequence

from torch import Tensor

from ..checks import check_shape
from ..topology import NUM_MESH, TRIANGLES
from ..types import FaceTrack, MeshBatch, MeshSequence
from .light import FRONT_LIGHT, SKIN


class LandmarkMesh(MeshSequence):
    """468 points and 852 triangles a frame; eyes and mouth are holes.

    In a picture of another size than the track's, the track's frame is scaled to cover it and
    centred: a picture is cropped, never stretched.
    """

    def __init__(self, track: FaceTrack, lighting: Tensor, colour: Tensor) -> None:
        check_shape("lighting", lighting, 9, 3)
        check_shape("colour", colour, 3, 1, 1)
        self.track, self.lighting, self.albedo = track, lighting, colour
        self.faces, self.uvs, self.uv_faces = TRIANGLES, None, None
        self.fps = track.fps

    def __len__(self) -> int:
        return len(self.track)

    def meshes(self, frames: Sequence[int], height: int, width: int) -> MeshBatch:
        points = self.track.landmarks[list(frames), :NUM_MESH].float()
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
    track: FaceTrack, lighting: Tensor = FRONT_LIGHT, colour: Tensor = SKIN
) -> MeshSequence:
    """A landmark track as a mesh in one colour.

    lighting: (9, 3) spherical harmonics RGB, on axes x to the picture's right, y up, z to the
    viewer. colour: (3, 1, 1) RGB 0..1.
    """
    return LandmarkMesh(track, lighting, colour)
