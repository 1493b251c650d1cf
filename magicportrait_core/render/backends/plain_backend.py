"""The slow twin: face after face over the whole picture, in the order the rules are written."""

from __future__ import annotations

import torch
from torch import Tensor

from ...types import Fragments
from ..camera import pixel_centres

EPSILON = 1e-8


def rasterize_plain(ndc: Tensor, faces: Tensor, height: int, width: int) -> Fragments:
    """See `render.rasterizer.rasterize`."""
    pictures = [_picture(vertices, faces, height, width) for vertices in ndc]
    pix_to_face, bary, zbuf = (torch.stack(part) for part in zip(*pictures, strict=True))
    return Fragments(pix_to_face, bary, zbuf)


def edge(p: tuple, a: tuple, b: tuple) -> Tensor:
    """Twice the area of (a, b, p): positive where p lies to the right of a -> b, y up."""
    return (p[0] - a[0]) * (b[1] - a[1]) - (p[1] - a[1]) * (b[0] - a[0])


def _picture(
    vertices: Tensor, faces: Tensor, height: int, width: int
) -> tuple[Tensor, Tensor, Tensor]:
    device = vertices.device
    pix_to_face = torch.full((height, width), -1, dtype=torch.int32, device=device)
    bary = torch.full((height, width, 3), -1.0, device=device)
    zbuf = torch.full((height, width), torch.inf, device=device)
    x = pixel_centres(width, height, device)[None, :]
    y = pixel_centres(height, width, device)[:, None]
    for index, (p0, p1, p2) in enumerate(vertices[faces]):
        size = edge(p0, p1, p2).double()
        area = (edge(p2, p0, p1).double() + EPSILON).float()
        nearest = torch.stack([p0, p1, p2])[:, 2].min().double()
        if size.abs() <= EPSILON or area == 0 or nearest < EPSILON:
            continue
        corners = torch.stack([p0, p1, p2])
        (low_x, low_y, _), (high_x, high_y, _) = corners.amin(0), corners.amax(0)
        bounded = (low_x <= x) & (x <= high_x) & (low_y <= y) & (y <= high_y)
        weights = [edge((x, y), *ends) / area for ends in ((p1, p2), (p2, p0), (p0, p1))]
        depth = weights[0] * p0[2] + weights[1] * p1[2] + weights[2] * p2[2]
        inside = bounded & (weights[0] > 0) & (weights[1] > 0) & (weights[2] > 0)
        wins = inside & (depth < zbuf)
        pix_to_face[wins] = index
        zbuf[wins] = depth[wins]
        bary[wins] = torch.stack(weights, -1)[wins]
    zbuf[pix_to_face < 0] = -1.0
    return pix_to_face, bary, zbuf
