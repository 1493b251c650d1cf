"""The map step pixel by pixel: the slow twin of the shading backends."""

from __future__ import annotations

import math

import torch
import torch.nn.functional as F
from torch import Tensor

from magicportrait_core.render.camera import to_ndc
from magicportrait_core.render.rasterizer import rasterize
from magicportrait_core.render.shading import SH_FACTORS, vertex_normals_plain
from magicportrait_core.types import MeshSequence


def plain_maps(
    meshes: MeshSequence, frame: int, height: int, width: int, near: float, far: float
) -> dict[str, Tensor]:
    """depth (1, h, w), normal (3, h, w), render (3, h, w), mask (1, h, w) of one frame."""
    batch = meshes.meshes([frame], height, width)
    seen = rasterize(to_ndc(batch.screen, height, width), meshes.faces, height, width, "plain")
    normals = vertex_normals_plain(batch.world, meshes.faces)[0]
    depths = 1 - (batch.screen[0, :, 2] - near) / (far - near)
    maps = {"depth": torch.zeros(1, height, width), "mask": torch.zeros(1, height, width)}
    maps |= {"normal": torch.zeros(3, height, width), "render": torch.zeros(3, height, width)}
    for row in range(height):
        for column in range(width):
            face = int(seen.pix_to_face[0, row, column])
            if face < 0:
                continue
            weights = seen.bary[0, row, column]
            corners = meshes.faces[face]
            normal = weights @ normals[corners]
            at = (..., row, column)
            maps["mask"][at] = 1
            maps["depth"][at] = weights @ depths[corners]
            maps["normal"][at] = normal
            light = plain_light(normal.tolist(), batch.lighting[0])
            maps["render"][at] = light * _colour(meshes, face, weights)
    return maps


def plain_light(normal: list[float], lighting: Tensor) -> Tensor:
    """(3,) RGB, band by band."""
    x, y, z = normal
    bands = [1, x, y, z, x * y, x * z, y * z, x**2 - y**2, 3 * z**2 - 1]
    terms = zip(bands, SH_FACTORS, lighting.double(), strict=True)
    return sum(band * factor * colour for band, factor, colour in terms).float()


def _colour(meshes: MeshSequence, face: int, weights: Tensor) -> Tensor:
    """Bilinear, written out."""
    if meshes.uvs is None:
        return meshes.albedo[:, 0, 0]
    u, v = weights @ meshes.uvs[meshes.uv_faces[face]] + (1 - weights.sum()) * 0.5
    rows, columns = meshes.albedo.shape[1:]
    x, y = float(u) * columns - 0.5, (1 - float(v)) * rows - 0.5
    padded = F.pad(meshes.albedo, (1, 1, 1, 1))
    left, top = math.floor(x), math.floor(y)
    right_share, low_share = x - left, y - top
    corner = padded[:, top + 1 : top + 3, left + 1 : left + 3]
    across = torch.tensor([1 - right_share, right_share])
    return corner @ across @ torch.tensor([1 - low_share, low_share])
