"""From what a pixel sees to what it shows, in torch, for the pixels that see something."""

from __future__ import annotations

import torch
from torch import Tensor

from ...types import Fragments, MapBatch
from ..shading import sample_albedo, sh_light
from ..surface import Surface


def shade_torch(
    fragments: Fragments, vertices: Tensor, lighting: Tensor, surface: Surface, out: MapBatch
) -> None:
    """Write the maps of n frames into ``out``, which holds zeros, where a face is seen.

    Args:
        fragments: of n pictures.
        vertices: (4, n, v), `surface.vertex_values`.
        lighting: (n, 9, 3).
        surface: what is the same in every frame.
        out: of n frames.
    """
    for frame, faces in enumerate(fragments.pix_to_face.flatten(1)):
        seen = (faces >= 0).nonzero()[:, 0]
        weights = fragments.bary[frame].flatten(0, 1).index_select(0, seen).T.contiguous()
        values = _interpolate(vertices[:, frame], faces.index_select(0, seen), weights, surface)
        light = sh_light(values[1:4], lighting[frame])
        if surface.uv is None:
            colour = surface.albedo.mean((1, 2))[:, None]
        else:
            colour = sample_albedo(surface.albedo, values[4:6])
        for maps, value in (
            (out.depth, values[:1]),
            (out.normal, values[1:4]),
            (out.render, light.mul_(colour)),
            (out.mask, torch.ones_like(values[:1])),
        ):
            maps[frame].flatten(1).scatter_(1, seen.expand(len(value), -1), value)


def _interpolate(vertices: Tensor, face: Tensor, weights: Tensor, surface: Surface) -> Tensor:
    """(d, p): depth, normal, and uv where there are any, of p pixels.

    vertices (4, v), depth and normal; the pixels see ``face`` (p,) at ``weights`` (3, p).
    """
    total = None
    for corner, weight in enumerate(weights):
        values = vertices.index_select(1, surface.faces[:, corner])  # (d, f)
        if surface.uv is not None:
            values = torch.cat([values, surface.uv[corner::3]])
        part = values.index_select(1, face).mul_(weight)
        total = part if total is None else total.add_(part)
    return total


def depth_torch(fragments: Fragments, depth: Tensor, surface: Surface, out: Tensor) -> None:
    """Write the depths (n, v) of vertices into ``out`` (n, 1, h, w), where a face is seen."""
    for frame, faces in enumerate(fragments.pix_to_face.flatten(1)):
        seen = (faces >= 0).nonzero()[:, 0]
        weights = fragments.bary[frame].flatten(0, 1).index_select(0, seen).T.contiguous()
        face = faces.index_select(0, seen)
        total = torch.zeros_like(weights[0])
        for corner, weight in enumerate(weights):
            values = depth[frame].index_select(0, surface.faces[:, corner])
            total += values.index_select(0, face).mul_(weight)
        out[frame].view(-1).scatter_(0, seen, total)
