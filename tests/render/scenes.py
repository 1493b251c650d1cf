"""Meshes that a rasteriser can get wrong. Coordinates are NDC: x left, y up, z away."""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor


@dataclass(frozen=True)
class Scene:
    vertices: Tensor  #: (n, v, 3)
    faces: Tensor  #: (f, 3)
    height: int
    width: int


def _single(points: list, faces: list, height: int = 8, width: int = 8) -> Scene:
    return Scene(torch.tensor([points]), torch.tensor(faces), height, width)


def shared_edge() -> Scene:
    """A square cut along the diagonal, which runs through pixel centres: nobody gets those."""
    points = [[-0.75, -0.75, 5.0], [0.75, -0.75, 5.0], [0.75, 0.75, 5.0], [-0.75, 0.75, 5.0]]
    return _single(points, [[0, 1, 2], [0, 2, 3]])


def edge_on_centres() -> Scene:
    """A triangle whose upright edge lies exactly on a column of centres: they stay empty."""
    return _single([[0.125, -0.8, 5.0], [0.125, 0.8, 5.0], [-0.9, 0.0, 5.0]], [[0, 1, 2]])


def coplanar() -> Scene:
    """The same triangle twice, and one behind it: of equal depths the lowest index wins."""
    points = [[-0.8, -0.7, 4.0], [0.9, -0.6, 4.0], [0.1, 0.85, 4.0], [0.0, 0.0, 9.0]]
    return _single(points, [[3, 0, 1], [0, 1, 2], [0, 1, 2]])


def crossing() -> Scene:
    """Two triangles that cut through each other."""
    points = [
        [-0.9, -0.8, 3.0], [0.8, -0.9, 7.0], [0.1, 0.9, 5.0],
        [-0.8, 0.9, 7.0], [0.9, 0.8, 3.0], [0.0, -0.9, 5.0],
    ]  # fmt: skip
    return _single(points, [[0, 1, 2], [3, 4, 5]], 33, 33)


def needles() -> Scene:
    """Long triangles of almost no area, at angles; some below the limit, some above."""
    torch.manual_seed(2)
    start, way = torch.rand(400, 2) * 2 - 1, torch.randn(400, 2)
    wide = 10 ** -torch.linspace(1, 9, 400)[:, None] * torch.randn(400, 2)
    corners = torch.stack([start, start + way, start + way * torch.rand(400, 1) + wide], 1)
    z = 1 + 20 * torch.rand(400, 3, 1)
    vertices = torch.cat([corners, z], -1).view(1, -1, 3)
    return Scene(vertices, torch.arange(1200).view(400, 3), 96, 96)


def degenerate() -> Scene:
    """Points, lines and a face that names a vertex twice draw nothing; the last one does."""
    points = [[0.1, 0.1, 2.0], [0.7, 0.7, 2.0], [-0.6, -0.6, 2.0], [-0.7, 0.6, 3.0]]
    return _single(points, [[0, 0, 0], [0, 1, 2], [1, 1, 3], [1, 2, 3]], 16, 16)


def off_screen() -> Scene:
    """Beside the picture, half in it, and so large that all of it is covered from far outside."""
    points = [
        [1.5, 0.0, 2.0], [2.5, 0.5, 2.0], [2.0, -0.8, 2.0],
        [0.5, 0.5, 3.0], [4.0, 0.9, 3.0], [3.0, -5.0, 3.0],
        [-90.0, -80.0, 9.0], [100.0, -70.0, 9.5], [3.0, 120.0, 9.2],
    ]  # fmt: skip
    return _single(points, [[0, 1, 2], [3, 4, 5], [6, 7, 8]], 200, 130)


def behind_the_camera() -> Scene:
    """Faces with one corner, or all, at z 0 or below are not drawn, though they would be nearer."""
    points = [
        [-0.9, -0.9, 1.0], [0.9, -0.9, 1.0], [0.0, 0.9, -0.5],
        [-0.9, 0.9, -1.0], [0.9, 0.9, -2.0], [0.0, -0.9, -3.0],
        [-0.9, -0.9, 0.0], [0.9, -0.9, 2.0], [0.0, 0.9, 2.0],
        [-0.7, -0.7, 6.0], [0.7, -0.7, 6.0], [0.0, 0.7, 6.0],
    ]  # fmt: skip
    return _single(points, [[0, 1, 2], [3, 4, 5], [6, 7, 8], [9, 10, 11]], 24, 24)


def soup() -> Scene:
    """300 random triangles in three frames of 40 x 56, many of them tied in depth."""
    torch.manual_seed(5)
    centre = torch.rand(3, 300, 1, 3) * 2.4 - 1.2
    corners = centre + torch.randn(3, 300, 3, 3) * 0.2
    corners[..., 2] = 3 + (corners[..., 2] * 4).round() / 4
    return Scene(corners.view(3, -1, 3), torch.arange(900).view(300, 3), 40, 56)


def tall() -> Scene:
    """The soup in a tall picture."""
    wide = soup()
    return Scene(wide.vertices, wide.faces, 61, 34)


def one_pixel() -> Scene:
    return _single([[-0.9, -0.9, 1.0], [0.9, -0.9, 1.0], [0.0, 0.9, 1.0]], [[0, 1, 2]], 1, 1)


SCENES = {
    scene.__name__: scene
    for scene in (
        *(shared_edge, edge_on_centres, coplanar, crossing, needles, degenerate),
        *(off_screen, behind_the_camera, soup, tall, one_pixel),
    )
}
