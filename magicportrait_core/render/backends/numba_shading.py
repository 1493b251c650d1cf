"""From what a pixel sees to what it shows, in loops compiled by Numba."""

from __future__ import annotations

import numpy as np
from torch import Tensor

from ...types import Fragments, MapBatch
from ..shading import scaled_light
from ..surface import Surface
from .compiled import compiled, one_runtime


def shade_numba(
    fragments: Fragments, vertices: Tensor, lighting: Tensor, surface: Surface, out: MapBatch
) -> None:
    """See `torch_shading.shade_torch`."""
    fill = compiled(fill_maps)
    albedo = surface.albedo
    if surface.uv is None:
        uv, albedo = vertices.new_zeros(0, 6), albedo.mean((1, 2), keepdim=True)
    else:
        uv = surface.uv.T
    texture = albedo.permute(1, 2, 0)
    for frame in range(len(vertices[0])):
        arrays = (
            fragments.pix_to_face[frame], fragments.bary[frame], surface.faces,
            vertices[:, frame].T, uv, texture, scaled_light(lighting[frame]),
        )  # fmt: skip
        maps = [m[frame] for m in (out.depth, out.normal, out.render, out.mask)]
        written = [m.cpu() for m in maps]  # the same memory where that is the CPU's
        with one_runtime():
            fill(*(a.cpu().contiguous().numpy() for a in arrays), *(w.numpy() for w in written))
        for to, result in zip(maps, written, strict=True):
            if to.device != result.device:
                to.copy_(result)


def depth_numba(fragments: Fragments, depth: Tensor, surface: Surface, out: Tensor) -> None:
    """See `torch_shading.depth_torch`."""
    fill = compiled(fill_depth)
    arrays = (fragments.pix_to_face, fragments.bary, surface.faces, depth)
    written = out.cpu()
    with one_runtime():
        fill(*(a.cpu().contiguous().numpy() for a in arrays), written.numpy())
    if written.device != out.device:
        out.copy_(written)


def fill_depth(
    pix_to_face: np.ndarray,  # (n, h, w) int32
    bary: np.ndarray,  # (n, h, w, 3) float32
    faces: np.ndarray,  # (f, 3) int64
    depth: np.ndarray,  # (n, v) float32
    out: np.ndarray,  # (n, 1, h, w) float32, written to where a face is seen
) -> None:
    """Interpolate the depth of every pixel. Compiled before it is called."""
    for n in range(pix_to_face.shape[0]):
        for i in range(pix_to_face.shape[1]):
            for j in range(pix_to_face.shape[2]):
                f = pix_to_face[n, i, j]
                if f >= 0:
                    total = depth[n, faces[f, 0]] * bary[n, i, j, 0]
                    total += depth[n, faces[f, 1]] * bary[n, i, j, 1]
                    total += depth[n, faces[f, 2]] * bary[n, i, j, 2]
                    out[n, 0, i, j] = total


def fill_maps(
    pix_to_face: np.ndarray,  # (h, w) int32
    bary: np.ndarray,  # (h, w, 3) float32, as all that follow but for faces
    faces: np.ndarray,  # (f, 3) int64
    vertices: np.ndarray,  # (v, 4) depth, normal
    uv: np.ndarray,  # (f, 6) u of the corners, then v, -1..1; (0, 6) without texture
    albedo: np.ndarray,  # (h_t, w_t, 3)
    light: np.ndarray,  # (9, 3), times SH_FACTORS
    depth: np.ndarray,  # (1, h, w), written to where a face is seen, as all that follow
    normal: np.ndarray,  # (3, h, w)
    render: np.ndarray,  # (3, h, w)
    mask: np.ndarray,  # (1, h, w)
) -> None:
    """Interpolate, light and texture every pixel of one picture. Compiled before it is called."""
    rows, columns = albedo.shape[0], albedo.shape[1]
    one, two, three = np.float32(1), np.float32(2), np.float32(3)
    colour = np.zeros(3, np.float32)
    values = np.zeros(4, np.float32)
    for i in range(pix_to_face.shape[0]):
        for j in range(pix_to_face.shape[1]):
            f = pix_to_face[i, j]
            if f < 0:
                continue
            w0, w1, w2 = bary[i, j, 0], bary[i, j, 1], bary[i, j, 2]
            a, b, c = faces[f, 0], faces[f, 1], faces[f, 2]
            for k in range(4):
                values[k] = vertices[a, k] * w0 + vertices[b, k] * w1 + vertices[c, k] * w2
            x, y, z = values[1], values[2], values[3]
            depth[0, i, j], mask[0, i, j] = values[0], one
            normal[0, i, j], normal[1, i, j], normal[2, i, j] = x, y, z
            if len(uv):
                u = uv[f, 0] * w0 + uv[f, 1] * w1 + uv[f, 2] * w2
                v = uv[f, 3] * w0 + uv[f, 4] * w1 + uv[f, 5] * w2
                # bilinear between texel centres; texels beyond the edge are black
                column = ((u + one) * columns - one) / two
                row = ((v + one) * rows - one) / two
                left, top = int(np.floor(column)), int(np.floor(row))
                right_share, low_share = np.float32(column - left), np.float32(row - top)
                for k in range(3):
                    colour[k] = 0
                for down in range(2):
                    for across in range(2):
                        r, s = top + down, left + across
                        if 0 <= r < rows and 0 <= s < columns:
                            share = low_share if down else one - low_share
                            share *= right_share if across else one - right_share
                            for k in range(3):
                                colour[k] += share * albedo[r, s, k]
            else:
                for k in range(3):
                    colour[k] = albedo[0, 0, k]
            for k in range(3):
                shade = light[0, k] + light[1, k] * x + light[2, k] * y + light[3, k] * z
                shade += light[4, k] * (x * y) + light[5, k] * (x * z) + light[6, k] * (y * z)
                shade += light[7, k] * (x * x - y * y) + light[8, k] * (three * z * z - one)
                render[k, i, j] = colour[k] * shade
