"""From screen coordinates to those the rasteriser sees, and where its pixels are.

Normalised device coordinates, as PyTorch3D defines them: x left, y up, z away from the camera. The
picture's shorter side spans -1..1, the longer one as much more as it is longer.
https://pytorch3d.org/docs/renderer_getstarted
"""

from __future__ import annotations

import torch
from torch import Tensor

from ..checks import check_shape

#: Added to z for each pass, once the nearest vertex lies at 0. The reference rasterises its depth
#: after one shift and everything else after a second one.
_SHIFT = 10.0
DEPTH_PASS, SHADING_PASS = 1, 2


def to_ndc(screen: Tensor, height: int, width: int, passes: int = SHADING_PASS) -> Tensor:
    """(n, v, 3) of `types.MeshBatch.screen` -> (n, v, 3), each frame's nearest vertex at 10 passes.

    How far away the mesh is moved matters at needles: their weights add up to less than 1 (see
    `render.rasterizer`), so they come nearer by a share of z.
    """
    check_shape("screen", screen, "n", "v", 3)
    x, y, z = screen.unbind(-1)
    x, y = -x, -y
    if height > width:
        y = y * height / width
    else:
        x = x * width / height
    z = z - z.amin(1, keepdim=True)
    for _ in range(passes):  # one after the other: float32 rounds every sum
        z = z + _SHIFT
    return torch.stack([x, y, z], -1)


def pixel_centres(size: int, other: int, device: torch.device | None = None) -> Tensor:
    """(size,) float32: where the centres of columns or rows lie, descending, 1-(2i+1)/size.

    ``other`` is the picture's other side. The order of the float32 operations is PyTorch3D's
    (``PixToNonSquareNdc``), so that a centre on an edge is on it here too.
    """
    extent = torch.tensor(2.0)
    if size > other:
        extent = size * extent / other
    offset = extent / 2
    index = torch.arange(size - 1, -1, -1, dtype=torch.float32)
    return (-offset + (extent * index + offset) / size).to(device)


def pixels_from(centres: Tensor, at: Tensor) -> tuple[Tensor, Tensor]:
    """Where coordinates fall among descending centres, exactly.

    Returns int32 tensors of ``at``'s shape: how many centres lie above each coordinate, and how
    many lie above it or on it. A face's bounds hold the pixels from the smallest of its corners'
    first values up to, without, the largest of their second ones.
    """
    ascending = centres.flip(0)
    below = torch.searchsorted(ascending, at, out_int32=True)
    upto = torch.searchsorted(ascending, at, right=True, out_int32=True)
    return len(centres) - upto, len(centres) - below
