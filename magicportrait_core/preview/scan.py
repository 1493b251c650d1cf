"""Scan conversion: which triangle a pixel belongs to, for a batch of frames at once.

Each triangle is cut into the pixel rows it crosses, each row into the pixels between its edges,
so only covered pixels are ever looked at; the nearest one wins by a scatter-minimum.
"""

from __future__ import annotations

import torch
from torch import Tensor

_EMPTY = torch.iinfo(torch.int64).max
#: px of area: a thinner triangle has no affine map that can be trusted.
_SLIVER = 0.02


def _expand(counts: Tensor) -> tuple[Tensor, Tensor]:
    """Counts (n,) -> owner of each item and its rank within the owner, (sum,) each."""
    owner = torch.repeat_interleave(torch.arange(len(counts), device=counts.device), counts)
    first = counts.cumsum(0) - counts
    return owner, torch.arange(len(owner), device=counts.device) - first[owner]


def _row_spans(x: Tensor, y: Tensor, row: Tensor) -> tuple[Tensor, Tensor]:
    """Where the line y = row enters and leaves triangles: corners (n, 3), row (n,) -> x (n,)."""
    left, right = torch.full_like(row, torch.inf), torch.full_like(row, -torch.inf)
    for a, b in ((0, 1), (1, 2), (2, 0)):
        dy = y[:, b] - y[:, a]
        crossed = ((y[:, a] <= row) != (y[:, b] <= row)) | (row == y[:, a]) | (row == y[:, b])
        along = ((row - y[:, a]) / torch.where(dy == 0, torch.ones_like(dy), dy)).clamp(0, 1)
        at = x[:, a] + along * (x[:, b] - x[:, a])
        left = torch.where(crossed, torch.minimum(left, at), left)
        right = torch.where(crossed, torch.maximum(right, at), right)
    return left, right


def scan_convert(
    vertices: Tensor, triangles: Tensor, height: int, width: int, cull: bool = False
) -> Tensor:
    """The nearest triangle at each pixel centre.

    vertices (t, v, 3): x, y in px (integers are pixel centres), z smaller is nearer.
    triangles (f, 3) int64. Returns (t, height, width) int64, -1 where there is none.
    A pixel on a shared edge goes to the nearer triangle, then to the lower index. Triangles of
    less than _SLIVER px are not drawn; with ``cull`` neither are those that show their back,
    which is clockwise as the picture shows it.
    """
    corners = vertices[:, triangles].flatten(0, 1)  # [t*f, 3, 3]
    x, y, z = corners.unbind(-1)
    x10, y10, x20, y20 = x[:, 1] - x[:, 0], y[:, 1] - y[:, 0], x[:, 2] - x[:, 0], y[:, 2] - y[:, 0]
    area = x10 * y20 - x20 * y10
    top = y.amin(1).ceil().clamp(min=0)
    bottom = y.amax(1).floor().clamp(max=height - 1)
    drawn = (area < -2 * _SLIVER) if cull else (area.abs() > 2 * _SLIVER)
    rows = (bottom - top + 1).clamp(min=0) * drawn
    owner, rank = _expand(rows.long())
    row = top[owner] + rank
    left, right = _row_spans(x[owner], y[owner], row)
    first = left.ceil().clamp(min=0)
    pixels = (right.floor().clamp(max=width - 1) - first + 1).clamp(min=0)
    span, rank = _expand(pixels.nan_to_num(posinf=0, neginf=0).long())
    face = owner[span]

    safe = torch.where(drawn, area, torch.ones_like(area))
    dz1, dz2 = z[:, 1] - z[:, 0], z[:, 2] - z[:, 0]
    slope_x = (dz1 * y20 - dz2 * y10) / safe
    slope_y = (dz2 * x10 - dz1 * x20) / safe
    column = first[span] + rank
    depth = (
        z[face, 0]
        + slope_x[face] * (column - x[face, 0])
        + slope_y[face] * (row[span] - y[face, 0])
    )
    near, far = z.min(), z.max()
    level = ((depth - near) / (far - near).clamp(min=1e-9)).clamp(0, 1).mul(2**30).long()

    count = triangles.shape[0]
    frame, local = face // count, face % count
    place = (frame * height + row[span].long()) * width + column.long()
    key = level << 32 | local
    buffer = torch.full((vertices.shape[0] * height * width,), _EMPTY, device=vertices.device)
    buffer.scatter_reduce_(0, place, key, "amin")
    found = torch.where(buffer == _EMPTY, torch.full_like(buffer, -1), buffer & 0xFFFFFFFF)
    return found.view(-1, height, width)


def affine_maps(source: Tensor, target: Tensor) -> Tensor:
    """The affine map that takes each target triangle to its source triangle.

    source and target (t or 1, f, 3, 2) px. Returns (t, f, 2, 3): source = A @ (x, y, 1).
    """
    edge = target[:, :, 1:] - target[:, :, :1]  # [t, f, 2, 2]: rows are edges
    goal = source[:, :, 1:] - source[:, :, :1]
    det = edge[..., 0, 0] * edge[..., 1, 1] - edge[..., 0, 1] * edge[..., 1, 0]
    det = torch.where(det.abs() > 1e-6, det, torch.full_like(det, 1e-6))
    a, b, c, d = edge[..., 0, 0], edge[..., 0, 1], edge[..., 1, 0], edge[..., 1, 1]
    inverse = torch.stack([d, -b, -c, a], -1).unflatten(-1, (2, 2)) / det[..., None, None]
    linear = (inverse @ goal).transpose(-1, -2)
    shift = source[:, :, 0] - (linear @ target[:, :, 0, :, None])[..., 0]
    return torch.cat([linear, shift[..., None]], -1)


def source_field(
    face: Tensor, maps: Tensor, origin: tuple[float, float] = (0, 0), step: float = 1
) -> Tensor:
    """Where each pixel comes from: (t, h, w) faces and their maps -> (t, h, w, 2) px.

    Pixel (i, j) lies at (origin_x + j*step, origin_y + i*step). Pixels with face -1 get their
    own place.
    """
    t, h, w = face.shape
    x = origin[0] + step * torch.arange(w, device=face.device)
    y = origin[1] + step * torch.arange(h, device=face.device)
    count = maps.shape[1]
    index = face.clamp(min=0) + count * torch.arange(t, device=face.device)[:, None, None]
    rows = maps.flatten(0, 1).flatten(1)[index.flatten()].view(t, h, w, 6)
    sx = rows[..., 0] * x + rows[..., 1] * y[:, None] + rows[..., 2]
    sy = rows[..., 3] * x + rows[..., 4] * y[:, None] + rows[..., 5]
    field = torch.stack([sx, sy], -1)
    own = torch.stack(torch.broadcast_tensors(x, y[:, None]), -1)
    return torch.where((face >= 0)[..., None], field, own.expand_as(field))
