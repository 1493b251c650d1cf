"""A head track as meshes that stand in a picture, posed for the frames asked for."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from fractions import Fraction
from functools import cached_property

import torch
from torch import Tensor

from ..checks import check_choice, check_shape
from ..errors import InputError
from ..types import HeadTrack, MeshBatch, MeshSequence, MotionTrack
from .head_model import HeadModel, ShapedHead
from .projection import CONVENTIONS, crop_to_picture, project
from .transfer import transfer

CLAY = 0.7  #: the one grey of a head without a texture


@dataclass(frozen=True, eq=False)
class HeadMeshes(MeshSequence):
    """The meshes of a track; nothing of them is held but the head in its one identity.

    convention: how crop and picture meet, see `projection.crop_to_picture`. "exact" is by pixel
    centres, "reference" is what the diffusion model was trained on.
    """

    track: HeadTrack
    head: HeadModel
    texture: Tensor | None = None  #: (3, h_t, w_t) RGB 0..1, laid out by the head's UVs
    convention: str = "exact"

    def __post_init__(self) -> None:
        check_choice("convention", self.convention, CONVENTIONS)
        self.head.check(self.track.params, "this track's parameters")
        if self.texture is not None:
            check_shape("albedo", self.texture, 3, "h_t", "w_t")
            if self.head.uvs is None and self.texture.shape[1:] != (1, 1):
                raise InputError(f"{self.head.name} has no UVs for a texture: use one colour.")

    @property
    def faces(self) -> Tensor:
        return self.head.faces

    @property
    def uvs(self) -> Tensor | None:
        return self.head.uvs

    @property
    def uv_faces(self) -> Tensor | None:
        return self.head.uv_faces

    @property
    def albedo(self) -> Tensor:
        if self.texture is not None:
            return self.texture
        return torch.full((3, 1, 1), CLAY, device=self.head.template.device)

    @property
    def fps(self) -> Fraction:
        return self.track.fps

    def __len__(self) -> int:
        return len(self.track)

    @cached_property
    def _shaped(self) -> ShapedHead:
        return self.head.shaped(self.track.params.shape.to(self.head.template.device))

    def meshes(self, frames: Sequence[int], height: int, width: int) -> MeshBatch:
        """The mesh in these frames, in a picture that shows the track's frame at this size.

        Raises:
            InputError: a frame that is not there; a picture of another shape than the frame.
        """
        self._check_size(height, width)
        outside = [frame for frame in frames if not 0 <= frame < len(self)]
        if outside:
            raise InputError(f"frames must be 0 to {len(self) - 1}, got {outside[0]}")
        track = self.track[list(frames)].to(self.head.template.device)
        world = self._shaped.vertices(track.params)
        seen = project(world, track.camera)
        # screen coordinates are shares of the picture: any size of one shape has the same
        screen = crop_to_picture(
            seen, track.crop_from_frame, *self.track.frame_size, self.convention
        )
        return MeshBatch(world, screen, track.lighting)

    def _check_size(self, height: int, width: int) -> None:
        """Pictures are cropped or padded, never stretched: at most a pixel is rounded away."""
        h, w = self.track.frame_size
        if min(height, width) < 1:
            raise InputError(f"a picture has at least a pixel, got {width}x{height}")
        if min(abs(width - height * w / h), abs(height - width * h / w)) > 1:
            raise InputError(
                f"a picture of {width}x{height} has not the shape of the frame, {w}x{h}: crop or "
                "pad the picture, or ask for that shape."
            )


def motion_meshes(
    motion: MotionTrack,
    head: HeadModel,
    albedo: Tensor | None = None,
    convention: str = "exact",
) -> HeadMeshes:
    """The portrait's mesh as the driver moves it, in the portrait's picture.

    The parameters are few and carried over at once; meshes are posed when they are asked for.
    """
    return HeadMeshes(transfer(motion, head), head, albedo, convention)
