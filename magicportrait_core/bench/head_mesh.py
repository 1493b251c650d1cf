"""A head to render, made by the tool itself: closed, 4,990 vertices, 9,976 faces, as FLAME has."""

from __future__ import annotations

import math
from collections.abc import Sequence
from fractions import Fraction

import torch
from torch import Tensor

from ..types import MeshBatch, MeshSequence

RINGS, SEGMENTS = 43, 116
FPS = Fraction(25)
_SIZE = 0.8  #: of the picture's height: a third of its pixels, as FLAME takes of a portrait's


def head_vertices() -> Tensor:
    """(4990, 3): x to the head's left, y up, z out of the face; the head is 2 high.

    An egg with a chin, a nose and hollows for the eyes. Rings from the top down, then the poles.
    """
    polar = torch.arange(1, RINGS + 1) * math.pi / (RINGS + 1)
    around = torch.arange(SEGMENTS) * 2 * math.pi / SEGMENTS + math.pi  # the seam is behind
    y = polar.cos()[:, None].expand(RINGS, SEGMENTS)
    radius = polar.sin()[:, None]
    jaw = 1 - 0.22 * torch.sigmoid(-8 * (y + 0.35))  # narrower below the cheeks
    x = 0.72 * jaw * radius * around.sin()
    z = 0.88 * radius * around.cos() * (1 - 0.12 * torch.sigmoid(-6 * (y + 0.3)))
    front = (z > 0).float()

    def bump(cx: float, cy: float, wide: float, high: float) -> Tensor:
        return front * torch.exp(-(((x - cx) / wide) ** 2) - ((y - cy) / high) ** 2)

    nose = 0.2 * bump(0, -0.14, 0.12, 0.14) + 0.08 * bump(0, 0.08, 0.07, 0.2)
    eyes = 0.09 * (bump(0.27, 0.12, 0.14, 0.09) + bump(-0.27, 0.12, 0.14, 0.09))
    mouth = 0.05 * bump(0, -0.5, 0.2, 0.06)
    rings = torch.stack([x, y, z + nose - eyes + mouth], -1).flatten(0, 1)
    poles = torch.tensor([[0.0, 1.0, 0.0], [0.0, -1.0, 0.0]])
    return torch.cat([rings, poles])


def head_faces() -> tuple[Tensor, Tensor, Tensor]:
    """Faces (9976, 3), counter-clockwise from outside, uvs (v_uv, 2) and uv_faces (9976, 3)."""
    ring, segment = torch.meshgrid(torch.arange(RINGS), torch.arange(SEGMENTS), indexing="ij")
    wide = SEGMENTS + 1  # of the uvs: the seam stands there twice

    def quads(right: Tensor, stride: int) -> Tensor:
        a, b = (ring * stride + segment)[:-1], (ring * stride + right)[:-1]
        c, d = a + stride, b + stride
        return torch.stack([a, c, b, b, c, d], -1).view(-1, 3)

    def caps(right: Tensor, stride: int, top: Tensor | int, bottom: Tensor | int) -> Tensor:
        first, last = (ring * stride + segment)[[0, -1]]
        first_right, last_right = (ring * stride + right)[[0, -1]]
        ones = torch.ones_like(first)
        upper = torch.stack([ones * top, first, first_right], -1)
        return torch.cat([upper, torch.stack([ones * bottom, last_right, last], -1)])

    count = RINGS * SEGMENTS
    around = (segment + 1) % SEGMENTS
    faces = torch.cat([quads(around, SEGMENTS), caps(around, SEGMENTS, count, count + 1)])
    tops = RINGS * wide + torch.arange(SEGMENTS)
    beside = segment + 1
    uv_faces = torch.cat([quads(beside, wide), caps(beside, wide, tops, tops + SEGMENTS)])
    v, u = torch.meshgrid(
        1 - torch.arange(1, RINGS + 1) / (RINGS + 1), torch.linspace(0, 1, wide), indexing="ij"
    )
    middle = (torch.arange(SEGMENTS) + 0.5) / SEGMENTS
    caps_uv = [torch.stack([middle, torch.full_like(middle, end)], -1) for end in (1.0, 0.0)]
    return faces, torch.cat([torch.stack([u, v], -1).flatten(0, 1), *caps_uv]), uv_faces


class SwayingHead(MeshSequence):
    """The head turning from side to side, lit from the front, with a texture of soft stripes."""

    def __init__(self, frames: int) -> None:
        self._vertices, self._frames = head_vertices(), frames
        self.faces, self.uvs, self.uv_faces = head_faces()
        self.fps = FPS
        rows, columns = torch.meshgrid(torch.arange(256), torch.arange(256), indexing="ij")
        stripes = 0.06 * (torch.sin(columns / 5) + torch.sin(rows / 7))
        self.albedo = (torch.tensor([0.8, 0.62, 0.52])[:, None, None] + stripes).clamp(0, 1)
        self._lighting = torch.zeros(9, 3)
        self._lighting[[0, 2, 3]] = torch.tensor([2.2, 0.15, 0.4])[:, None]

    def __len__(self) -> int:
        return self._frames

    def meshes(self, frames: Sequence[int], height: int, width: int) -> MeshBatch:
        yaw = 0.6 * torch.sin(torch.tensor(list(frames)) * 2 * math.pi / 50)
        zero, one = torch.zeros_like(yaw), torch.ones_like(yaw)
        rows = [yaw.cos(), zero, yaw.sin(), zero, one, zero, -yaw.sin(), zero, yaw.cos()]
        turn = torch.stack(rows, -1).view(-1, 3, 3)
        world = self._vertices @ turn.transpose(1, 2)
        unit = torch.tensor([height / width, 1.0, height / width])
        screen = world * torch.tensor([1.0, -1.0, -1.0]) * _SIZE * unit
        return MeshBatch(world, screen, self._lighting.expand(len(yaw), 9, 3))
