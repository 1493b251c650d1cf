"""Normals, light and texture: the reference's arithmetic, on planar tensors."""

from __future__ import annotations

import math
from dataclasses import dataclass

import torch
import torch.nn.functional as F
from torch import Tensor

#: Of the nine spherical harmonics, the cosine lobe's integral included.
#: Ramamoorthi and Hanrahan 2001, https://doi.org/10.1145/383259.383317, as DECA uses them.
SH_FACTORS = (
    1 / math.sqrt(4 * math.pi),
    *[2 * math.pi / 3 * math.sqrt(3 / (4 * math.pi))] * 3,
    *[math.pi / 4 * 3 * math.sqrt(5 / (12 * math.pi))] * 3,
    math.pi / 4 * 1.5 * math.sqrt(5 / (12 * math.pi)),
    math.pi / 4 * 0.5 * math.sqrt(5 / (4 * math.pi)),
)
_SHORTEST = 1e-6  #: of an unnormalised normal; a shorter one stays shorter than 1


@dataclass(frozen=True)
class Incidence:
    """Which faces meet at each vertex; vertices of equal count together."""

    groups: tuple[tuple[Tensor, Tensor], ...]  #: vertices (m,) and their faces (k, m), for each k

    @staticmethod
    def of(faces: Tensor) -> Incidence:
        """faces (f, 3) int64."""
        corners, order = faces.flatten().sort(stable=True)
        owner = order // 3
        counts = torch.bincount(corners)
        first = counts.cumsum(0) - counts
        groups = []
        for count in counts.unique().tolist():
            vertices = (counts == count).nonzero()[:, 0]
            if count:
                rank = torch.arange(count, device=faces.device)[:, None]
                groups.append((vertices, owner[first[vertices] + rank]))
        return Incidence(tuple(groups))


def vertex_normals(world: Tensor, faces: Tensor, incidence: Incidence) -> Tensor:
    """Area-weighted mean of the faces' normals at each vertex: (n, v, 3) -> (3, n, v)."""
    points = world.permute(2, 0, 1).contiguous()
    a, b, c = (points.index_select(2, corner) for corner in faces.T)
    (ux, uy, uz), (vx, vy, vz) = b - a, c - a
    areas = torch.stack([uy * vz - uz * vy, uz * vx - ux * vz, ux * vy - uy * vx])  # (3, n, f)
    normals = torch.zeros_like(points)
    for vertices, around in incidence.groups:
        met = areas.index_select(2, around.flatten()).unflatten(2, around.shape)
        normals.index_copy_(2, vertices, met.sum(2))
    x, y, z = normals  # a norm over the outermost axis is several times slower than this
    length = (x * x).addcmul_(y, y).addcmul_(z, z).sqrt_()
    return normals / length.clamp_(min=_SHORTEST)


def vertex_normals_plain(world: Tensor, faces: Tensor) -> Tensor:
    """The slow twin of :func:`vertex_normals`, corner by corner: (n, v, 3) -> (n, v, 3)."""
    normals = torch.zeros_like(world)
    for frame, points in enumerate(world):
        for corners in faces.tolist():
            a, b, c = points[corners]
            for corner in corners:
                normals[frame, corner] += torch.linalg.cross(b - a, c - a)
    return F.normalize(normals, eps=_SHORTEST, dim=-1)


def sh_light(normals: Tensor, lighting: Tensor) -> Tensor:
    """Light that falls on surfaces: normals (3, p), need not be of length 1 -> RGB (3, p).

    lighting: (9, 3).
    """
    x, y, z = normals
    one = torch.ones_like(x)
    bands = [one, x, y, z, x * y, x * z, y * z, x * x - y * y, 3 * z * z - 1]
    return scaled_light(lighting).T @ torch.stack(bands)


def scaled_light(lighting: Tensor) -> Tensor:
    """(9, 3) coefficients times SH_FACTORS."""
    return lighting * lighting.new_tensor(SH_FACTORS)[:, None]


def sample_albedo(albedo: Tensor, uv: Tensor) -> Tensor:
    """Colours (3, p) of a texture (3, h_t, w_t) at uv (2, p): u right, v down, -1..1.

    Bilinear; beyond the texture's edge is black. A texture of one texel is one colour.
    """
    if albedo.shape[1:] == (1, 1):
        return albedo.view(3, 1).expand(3, uv.shape[1])
    grid = uv.T[None, None]
    return F.grid_sample(albedo[None], grid, align_corners=False)[0, :, 0]
