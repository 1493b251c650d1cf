"""An optional rasteriser for CPUs: plain loops, compiled by Numba."""

from __future__ import annotations

import numpy as np
import torch
from torch import Tensor

from ...types import Fragments
from ..camera import pixel_centres, pixels_from
from .compiled import compiled, one_runtime
from .empty import empty_fragments

EPSILON = 1e-8


def rasterize_numba(ndc: Tensor, faces: Tensor, height: int, width: int) -> Fragments:
    """See `render.rasterizer.rasterize`. One thread; what is on a GPU travels there and back."""
    fill = compiled(fill_faces)
    out = empty_fragments(len(ndc), height, width)
    x, y = pixel_centres(width, height), pixel_centres(height, width)
    points = ndc.cpu().contiguous()
    columns = torch.stack(pixels_from(x, points[..., 0].contiguous()), -1)
    rows = torch.stack(pixels_from(y, points[..., 1].contiguous()), -1)
    arrays = (points, faces.cpu().contiguous(), columns, rows, x, y)
    with one_runtime():
        fill(*(a.numpy() for a in (*arrays, out.pix_to_face, out.bary, out.zbuf)))
    device = ndc.device
    return Fragments(out.pix_to_face.to(device), out.bary.to(device), out.zbuf.to(device))


def fill_faces(
    points: np.ndarray,  # (n, v, 3) float32
    faces: np.ndarray,  # (f, 3) int64
    columns: np.ndarray,  # (n, v, 2) int32, `render.camera.pixels_from`
    rows: np.ndarray,  # (n, v, 2) int32
    centre_x: np.ndarray,  # (w,) float32
    centre_y: np.ndarray,  # (h,) float32
    pix_to_face: np.ndarray,  # (n, h, w) int32, written to, -1 at first as the next two
    bary: np.ndarray,  # (n, h, w, 3) float32
    zbuf: np.ndarray,  # (n, h, w) float32
) -> None:
    """Every face into every picture, in the order of the faces. Compiled before it is called."""
    for n in range(points.shape[0]):
        for f in range(faces.shape[0]):
            a, b, c = faces[f, 0], faces[f, 1], faces[f, 2]
            x0, y0, z0 = points[n, a, 0], points[n, a, 1], points[n, a, 2]
            x1, y1, z1 = points[n, b, 0], points[n, b, 1], points[n, b, 2]
            x2, y2, z2 = points[n, c, 0], points[n, c, 1], points[n, c, 2]
            size = (x0 - x1) * (y2 - y1) - (y0 - y1) * (x2 - x1)
            exact = (x2 - x0) * (y1 - y0) - (y2 - y0) * (x1 - x0)
            area = np.float32(np.float64(exact) + EPSILON)
            if abs(np.float64(size)) <= EPSILON or area == 0:
                continue
            if min(z0, z1, z2) < EPSILON:
                continue
            first = min(columns[n, a, 0], columns[n, b, 0], columns[n, c, 0])
            stop = max(columns[n, a, 1], columns[n, b, 1], columns[n, c, 1])
            top = min(rows[n, a, 0], rows[n, b, 0], rows[n, c, 0])
            bottom = max(rows[n, a, 1], rows[n, b, 1], rows[n, c, 1])
            sign = np.float32(1 if area > 0 else -1)
            area *= sign
            # the way along each edge, signed so that the inside is positive
            dx0, dy0 = (x2 - x1) * sign, (y2 - y1) * sign
            dx1, dy1 = (x0 - x2) * sign, (y0 - y2) * sign
            dx2, dy2 = (x1 - x0) * sign, (y1 - y0) * sign
            for i in range(top, bottom):
                y = centre_y[i]
                down0, down1, down2 = (y - y1) * dx0, (y - y2) * dx1, (y - y0) * dx2
                entered = False
                for j in range(first, stop):
                    x = centre_x[j]
                    e0 = (x - x1) * dy0 - down0
                    e1 = (x - x2) * dy1 - down1
                    e2 = (x - x0) * dy2 - down2
                    if not (e0 > 0 and e1 > 0 and e2 > 0):
                        if entered:  # each edge is monotone in x, rounded too: nothing follows
                            break
                        continue
                    entered = True
                    w0, w1, w2 = e0 / area, e1 / area, e2 / area
                    depth = w0 * z0 + w1 * z1 + w2 * z2
                    if pix_to_face[n, i, j] < 0 or depth < zbuf[n, i, j]:
                        pix_to_face[n, i, j] = f
                        zbuf[n, i, j] = depth
                        bary[n, i, j, 0] = w0
                        bary[n, i, j, 1] = w1
                        bary[n, i, j, 2] = w2
