"""What the renderer takes and gives: meshes, fragments, maps."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Sequence
from dataclasses import dataclass
from fractions import Fraction

import torch
from torch import Tensor

from ..checks import check_shape


@dataclass(frozen=True)
class MeshBatch:
    """One mesh in n frames, where it stands in the picture."""

    world: Tensor  #: (n, v, 3) model axes; normals and light are taken here
    screen: Tensor  #: (n, v, 3) x right, y down, the picture spans -1..1; smaller z is nearer
    lighting: Tensor  #: (n, 9, 3) spherical harmonics, RGB

    def __post_init__(self) -> None:
        sizes = check_shape("world", self.world, "n", "v", 3)
        check_shape("screen", self.screen, sizes["n"], sizes["v"], 3)
        check_shape("lighting", self.lighting, sizes["n"], 9, 3)


class MeshSequence(ABC):
    """A mesh through a clip, posed for the frames asked for."""

    faces: Tensor  #: (f, 3) int64, counter-clockwise from outside
    uvs: Tensor | None  #: (v_uv, 2) 0..1, v up; None: no texture
    uv_faces: Tensor | None  #: (f, 3) int64 into uvs
    albedo: Tensor  #: (3, h_t, w_t) RGB 0..1, (3, 1, 1) is one colour
    fps: Fraction

    @abstractmethod
    def __len__(self) -> int:
        """Frames."""

    @abstractmethod
    def meshes(self, frames: Sequence[int], height: int, width: int) -> MeshBatch:
        """The mesh in these frames, placed in a picture of this size."""


@dataclass(frozen=True)
class Fragments:
    """What each pixel of n pictures sees."""

    pix_to_face: Tensor  #: (n, h, w) int32, index of the nearest face, -1 where there is none
    bary: Tensor  #: (n, h, w, 3) float32 barycentric weights of its corners, -1 where empty
    zbuf: Tensor  #: (n, h, w) float32 depth, smaller is nearer, -1 where empty


@dataclass(frozen=True)
class MapBatch:
    """Maps of n frames, neither clamped nor rounded."""

    depth: Tensor  #: (n, 1, h, w) 0..1, near is 1, empty 0
    normal: Tensor  #: (n, 3, h, w) model axes, -1..1, empty 0
    render: Tensor  #: (n, 3, h, w) RGB, empty 0
    mask: Tensor  #: (n, 1, h, w) 1 where the mesh is


class GeometryMaps(ABC):
    """The maps of a clip, rendered for the frames asked for."""

    height: int  #: px
    width: int  #: px
    mode: str  #: "parity" or "stable"
    fps: Fraction

    @abstractmethod
    def __len__(self) -> int:
        """Frames."""

    @abstractmethod
    def frames(self, indices: Sequence[int]) -> MapBatch:
        """Render these frames; memory is bounded by their number."""


def cat_maps(batches: Sequence[MapBatch]) -> MapBatch:
    """One batch of all the frames, in order."""
    names = ("depth", "normal", "render", "mask")
    return MapBatch(*(torch.cat([getattr(b, name) for b in batches]) for name in names))
