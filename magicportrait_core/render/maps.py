"""Depth, normal and shaded maps of a mesh through a clip, rendered for the frames asked for."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import nullcontext
from dataclasses import dataclass
from fractions import Fraction
from functools import cached_property

import torch
from torch import Tensor

from ..checks import check_choice, check_size
from ..errors import InputError
from ..threads import one_thread
from ..types import (
    Fragments,
    GeometryMaps,
    MapBatch,
    MeshBatch,
    MeshSequence,
    Progress,
    no_progress,
)
from .backends.numba_shading import depth_numba, shade_numba
from .backends.torch_shading import depth_torch, shade_torch
from .camera import DEPTH_PASS, SHADING_PASS, to_ndc
from .ranges import clip_ranges, ranges_of, steady_ranges, whole_range
from .rasterizer import BACKEND_NAMES, rasterize
from .surface import Surface, vertex_values

MODES = ("stable", "parity")
DEPTH_RANGES = ("frame", "clip")
CHUNK = 4  #: frames rendered at once


def render_maps(
    meshes: MeshSequence,
    height: int,
    width: int,
    *,
    mode: str = "stable",
    depth_range: str = "frame",
    backend: str = "auto",
    device: torch.device | str | None = None,
    progress: Progress = no_progress,
) -> GeometryMaps:
    """The maps of a clip, nothing of them rendered yet.

    Args:
        meshes: where the mesh is, and its texture and light.
        height, width: of the maps, px; any size, any aspect.
        mode: "parity" gives the reference's maps, whose depths jump where the mesh's nearest or
            farthest vertex does, in its two passes; "stable" steadies the depths, within
            `ranges.TOLERANCE`, and needs one pass.
        depth_range: "frame", or "clip" for one range in all frames, as ControlNets want it; the
            model behind the reference never saw that.
        backend: of the rasteriser, `rasterizer.BACKEND_NAMES`.
        device: where to render; None is where the mesh's faces are.
        progress: of reading all poses, which the first frame costs unless mode is "parity" and
            depth_range "frame".

    Raises InputError for choices that do not exist and sizes that are no whole numbers from 1.
    """
    check_choice("mode", mode, MODES)
    check_choice("depth_range", depth_range, DEPTH_RANGES)
    check_choice("backend", backend, BACKEND_NAMES)
    check_size("a map", height, width)
    where = meshes.faces.device if device is None else torch.device(device)
    return RenderedMaps(meshes, height, width, mode, depth_range, backend, where, progress)


@dataclass(frozen=True, eq=False)
class RenderedMaps(GeometryMaps):
    """What :func:`render_maps` returns. Keeps the mesh's tables and two numbers a frame."""

    meshes: MeshSequence
    height: int
    width: int
    mode: str
    depth_range: str
    backend: str
    device: torch.device
    progress: Progress = no_progress

    @property
    def fps(self) -> Fraction:
        return self.meshes.fps

    def __len__(self) -> int:
        return len(self.meshes)

    def frames(self, indices: Sequence[int]) -> MapBatch:
        """These frames' maps, on ``device``. Beyond them, memory is that of CHUNK frames."""
        wanted = [int(i) for i in indices]
        if wanted and not (min(wanted) >= 0 and max(wanted) < len(self)):
            raise InputError(f"frames must be 0..{len(self) - 1}, got {wanted}")
        n, size = len(wanted), (self.height, self.width)
        # four tensors, not one: memory of up to 32 MB is used again, of more is mapped anew
        parts = [torch.zeros(n, channels, *size, device=self.device) for channels in (1, 3, 3, 1)]
        with one_thread() if self.device.type == "cpu" else nullcontext():
            for start in range(0, n, CHUNK):
                some = slice(start, start + CHUNK)
                self._render(wanted[some], MapBatch(*(part[some] for part in parts)))
        return MapBatch(*parts)

    def _render(self, frames: list[int], out: MapBatch) -> None:
        """Into ``out``, which holds zeros."""
        batch = self.meshes.meshes(frames, self.height, self.width)
        batch = MeshBatch(*(x.to(self.device) for x in (batch.world, batch.screen, batch.lighting)))
        surface = self._surface
        exact = self.mode == "parity" and self.depth_range == "frame"
        ranges = ranges_of(batch.screen) if exact else self._ranges[frames].to(self.device)
        vertices = vertex_values(batch, surface, ranges)
        loops = self.backend == "numba"
        shade, depth = (shade_numba, depth_numba) if loops else (shade_torch, depth_torch)
        shade(self._rasterize(batch, SHADING_PASS), vertices, batch.lighting, surface, out)
        if self.mode == "parity":
            depth(self._rasterize(batch, DEPTH_PASS), vertices[0], surface, out.depth)

    def _rasterize(self, batch: MeshBatch, passes: int) -> Fragments:
        ndc = to_ndc(batch.screen, self.height, self.width, passes)
        return rasterize(ndc, self._surface.faces, self.height, self.width, self.backend)

    @cached_property
    def _surface(self) -> Surface:
        return Surface.of(self.meshes, self.device)

    @cached_property
    def _ranges(self) -> Tensor:
        """(t, 2), once for all."""
        ranges = clip_ranges(self.meshes, self.height, self.width, self.progress)
        if self.depth_range == "clip":
            return whole_range(ranges)
        return steady_ranges(ranges, float(self.fps))
