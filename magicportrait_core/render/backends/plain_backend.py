"""The slow twin: face after face, in the order the rules are written."""

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
        corners = torch.stack([p0, p1, p2])
        size = edge(p0, p1, p2).double()
        area = (edge(p2, p0, p1).double() + EPSILON).float()
        if size.abs() <= EPSILON or area == 0 or corners[:, 2].min().double() < EPSILON:
            continue
        columns = _within(x[0], corners[:, 0])
        rows = _within(y[:, 0], corners[:, 1])
        p = x[:, columns], y[rows]
        weights = [edge(p, *ends) / area for ends in ((p1, p2), (p2, p0), (p0, p1))]
        depth = weights[0] * p0[2] + weights[1] * p1[2] + weights[2] * p2[2]
        inside = (weights[0] > 0) & (weights[1] > 0) & (weights[2] > 0)
        wins = inside & (depth < zbuf[rows, columns])
        pix_to_face[rows, columns][wins] = index
        zbuf[rows, columns][wins] = depth[wins]
        bary[rows, columns][wins] = torch.stack(weights, -1)[wins]
    zbuf[pix_to_face < 0] = -1.0
    return pix_to_face, bary, zbuf


def _within(centres: Tensor, corners: Tensor) -> slice:
    """The centres between the smallest and the largest of the corners' coordinates."""
    found = ((centres >= corners.min()) & (centres <= corners.max())).nonzero()
    return slice(int(found[0]), int(found[-1]) + 1) if len(found) else slice(0)
