"""The default rasteriser: torch operations alone, on a CPU or on CUDA.

Every face's box of pixels is laid out as candidates, boxes of about one size together, so that an
edge function is one subtraction a candidate: it is a term of the column minus a term of the row.
The nearest candidate of each pixel wins by a scatter-minimum over depth and face packed into one
integer: the bits of floats that are not negative order as integers do.
"""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor

from ...types import Fragments
from ..camera import pixel_centres, pixels_from
from .empty import empty_fragments

EPSILON = 1e-8  #: added to areas; faces of no more than this are not drawn
_EMPTY = torch.iinfo(torch.int64).max
_FACE_BITS = 0xFFFFFFFF
#: Sides of candidate boxes; larger ones are cut into tiles of the last.
_LADDER = (3, 6, 9, 12, 16, 24, 32, 64)
_CPU_FRAMES = 4  #: frames at once: more gain nothing
_CUDA_FRAMES = 16
_CPU_SLAB = 2**17  #: candidates at once: more gain nothing
_CUDA_SLAB = 2**22


def rasterize_torch(ndc: Tensor, faces: Tensor, height: int, width: int) -> Fragments:
    """See `render.rasterizer.rasterize`."""
    out = empty_fragments(len(ndc), height, width, ndc.device)
    grid = _Grid.of(height, width, ndc.device)
    step = _CUDA_FRAMES if ndc.is_cuda else _CPU_FRAMES
    for start in range(0, len(ndc), step):
        frames = slice(start, start + step)
        part = Fragments(out.pix_to_face[frames], out.bary[frames], out.zbuf[frames])
        _rasterize_chunk(ndc[frames], faces, grid, part)
    return out


@dataclass(frozen=True)
class _Grid:
    """The pixels of one picture."""

    height: int
    width: int
    x: Tensor  #: (width + 1,) of the columns' centres, descending, and a NaN
    y: Tensor  #: (height + 1,) of the rows'

    @staticmethod
    def of(height: int, width: int, device: torch.device) -> _Grid:
        nan = torch.full((1,), torch.nan, device=device)
        x, y = pixel_centres(width, height, device), pixel_centres(height, width, device)
        return _Grid(height, width, torch.cat([x, nan]), torch.cat([y, nan]))

    def cells(self, columns: int, rows: int) -> Tensor:
        """(rows * columns,) int64: how far on each pixel of a box lies from its first one."""
        column = torch.arange(columns, device=self.x.device)
        row = torch.arange(0, rows * self.width, self.width, device=self.x.device)
        return (row[:, None] + column).flatten()


@dataclass(frozen=True)
class _Boxes:
    """Faces with the pixels whose centres lie in their bounds, k of them, none empty."""

    face: Tensor  #: (k,) int64, of the chunk's n * f
    place: Tensor  #: (4, k) int32: first column, first row, columns, rows


def _rasterize_chunk(ndc: Tensor, faces: Tensor, grid: _Grid, out: Fragments) -> None:
    """Fill ``out``, which holds -1 everywhere."""
    points = ndc.permute(2, 0, 1).contiguous()  # (3, n, v)
    corners = torch.stack([points.index_select(2, corner).flatten(1) for corner in faces.T], 1)
    triangles, drawn = _set_up(corners)
    boxes = _tiles(_boxes(points, faces, grid, drawn))
    nearest = _nearest(triangles, boxes, grid, len(ndc), len(faces))
    _resolve(nearest, triangles, grid, len(faces), out)


def _edge(px: Tensor, py: Tensor, ax: Tensor, ay: Tensor, bx: Tensor, by: Tensor) -> Tensor:
    """Twice the signed area of (a, b, p). The order of operations decides the last bit."""
    return (px - ax) * (by - ay) - (py - ay) * (bx - ax)


def _set_up(corners: Tensor) -> tuple[Tensor, Tensor]:
    """corners (3 xyz, 3 corners, m) -> what decides, and which faces are drawn, (m,) bool.

    The first is (16, m): x, then y, of the corners that edges 0..2 start from; x, then y, of the
    way to the edges' ends, with the area's sign, so that the inside is positive; the area, above 0;
    z of the corners.
    """
    (x0, x1, x2), (y0, y1, y2), z = corners
    size = _edge(x0, y0, x1, y1, x2, y2)
    area = (_edge(x2, y2, x0, y0, x1, y1).double() + EPSILON).float()
    drawn = (size.abs() > EPSILON) & (area != 0) & (z.amin(0).double() >= EPSILON)
    start, end = corners[:2, [1, 2, 0]], corners[:2, [2, 0, 1]]
    way = (end - start) * area.sign()
    return torch.cat([start.flatten(0, 1), way.flatten(0, 1), area.abs()[None], z]), drawn


def _boxes(points: Tensor, faces: Tensor, grid: _Grid, drawn: Tensor) -> _Boxes:
    sides = []
    for axis, centres in enumerate((grid.x[:-1], grid.y[:-1])):
        start, stop = pixels_from(centres, points[axis])
        first = torch.stack([start.index_select(1, corner) for corner in faces.T]).amin(0)
        end = torch.stack([stop.index_select(1, corner) for corner in faces.T]).amax(0)
        sides += [first, end - first]
    column, columns, row, rows = sides
    filled = (columns > 0) & (rows > 0) & drawn.view_as(columns)
    face = filled.flatten().nonzero()[:, 0]
    place = torch.stack([column, row, columns, rows]).flatten(1).index_select(1, face)
    return _Boxes(face, place)


def _tiles(boxes: _Boxes) -> _Boxes:
    """Boxes larger than the ladder's end, cut."""
    largest = _LADDER[-1]
    across, down = -(-boxes.place[2:] // largest)
    count = across * down
    large = count > 1
    if not large.any():
        return boxes
    of = torch.repeat_interleave(large.nonzero()[:, 0], count[large])
    first = (count[large].cumsum(0) - count[large]).repeat_interleave(count[large])
    rank = torch.arange(len(of), dtype=across.dtype, device=of.device) - first
    corner = torch.stack([rank % across[of], rank // across[of]]) * largest
    column_row, sides = boxes.place[:, of].view(2, 2, -1)
    cut = torch.cat([column_row + corner, (sides - corner).clamp(max=largest)])
    small = ~large
    return _Boxes(
        torch.cat([boxes.face[small], boxes.face[of]]),
        torch.cat([boxes.place[:, small], cut], 1),
    )


def _nearest(triangles: Tensor, boxes: _Boxes, grid: _Grid, frames: int, faces: int) -> Tensor:
    """(frames, h, w) int64: bits of the depth, then the face, of the nearest candidate."""
    device = boxes.face.device
    nearest = torch.full((frames, grid.height, grid.width), _EMPTY, device=device)
    ladder = torch.tensor(_LADDER, dtype=torch.int32, device=device)
    level = torch.searchsorted(ladder, boxes.place[2:].contiguous())  # (2, k)
    kind, order = (level[0] * len(_LADDER) + level[1]).to(torch.int16).sort()
    counts = torch.bincount(kind, minlength=len(_LADDER) ** 2).tolist()
    face, place = boxes.face[order], boxes.place.index_select(1, order)
    corners = triangles.index_select(1, face)
    frame, local = face // faces, face % faces
    pixel = (frame * grid.height + place[1]) * grid.width + place[0]
    slab = _CUDA_SLAB if boxes.face.is_cuda else _CPU_SLAB
    end = 0
    for index, count in enumerate(counts):
        size = _LADDER[index // len(_LADDER)], _LADDER[index % len(_LADDER)]
        step = max(1, slab // (size[0] * size[1]))
        start, end = end, end + count
        for first in range(start, end, step):
            some = slice(first, min(first + step, end))
            (cell, box), depth = _candidates(corners[:, some], place[:, some], size, grid)
            at = pixel[some].index_select(0, box) + grid.cells(*size).index_select(0, cell)
            key = depth.view(torch.int32).long() << 32 | local[some].index_select(0, box)
            nearest.view(-1).scatter_reduce_(0, at, key, "amin")
    return nearest


def _candidates(
    corners: Tensor, place: Tensor, size: tuple[int, int], grid: _Grid
) -> tuple[Tensor, Tensor]:
    """Boxes laid out as (columns, rows) cells: which cells lie inside, and how deep.

    corners (16, k) and place (4, k) of the boxes. Returns (2, hits), cell (row-major) and box, and
    depths (hits,). Boxes stand innermost, or loops over a few cells would cost more than the sums.
    """
    count = corners.shape[1]
    origin_x, origin_y, way_x, way_y = corners[:12].view(4, 3, 1, count)
    area, z = corners[12], corners[13:]
    x = _centres(grid.x, place[0], place[2], size[0])  # (columns, k)
    y = _centres(grid.y, place[1], place[3], size[1])  # (rows, k)
    across = (x - origin_x).mul_(way_y)  # (3, columns, k)
    down = (y - origin_y).mul_(way_x)  # (3, rows, k)
    edges = (across[:, None] - down[:, :, None]).view(3, -1, count)  # (3, rows * columns, k)
    inside = torch.minimum(edges[0], edges[1])
    inside = torch.minimum(inside, edges[2], out=inside) > 0
    parts = edges.div_(area).mul_(z[:, None])
    depth = parts[0].add_(parts[1]).add_(parts[2])
    hits = inside.nonzero().T.contiguous()
    return hits, depth.flatten().index_select(0, hits[0] * count + hits[1])


def _centres(centres: Tensor, first: Tensor, count: Tensor, size: int) -> Tensor:
    """(size, k) centres from ``first`` on, and beyond ``count`` NaN, which is inside of nothing."""
    rank = torch.arange(size, dtype=first.dtype, device=first.device)[:, None]
    at = (first + rank).masked_fill_(rank >= count, len(centres) - 1)
    return centres.index_select(0, at.flatten()).view_as(at)


def _resolve(nearest: Tensor, triangles: Tensor, grid: _Grid, faces: int, out: Fragments) -> None:
    """Unpack the winners and weigh their corners, frame by frame: temporaries stay small."""
    for frame, keys in enumerate(nearest):
        row, column = (keys != _EMPTY).nonzero().T.contiguous()
        pixel = row * grid.width + column
        key = keys.view(-1).index_select(0, pixel)
        local = key & _FACE_BITS
        corners = triangles[:13].index_select(1, local + frame * faces)
        x, y = grid.x.index_select(0, column), grid.y.index_select(0, row)
        out.pix_to_face[frame].view(-1).scatter_(0, pixel, local.int())
        out.zbuf[frame].view(-1).scatter_(0, pixel, (key >> 32).int().view(torch.float32))
        pixel *= 3
        for edge in range(3):
            across = (x - corners[edge]).mul_(corners[edge + 9])
            down = (y - corners[edge + 3]).mul_(corners[edge + 6])
            weight = across.sub_(down).div_(corners[12])
            out.bary[frame].view(-1).scatter_(0, pixel + edge, weight)
