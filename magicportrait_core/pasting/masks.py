"""Soft masks from geometry: where a mesh is, or comes to be, and a margin round it."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import torch
from scipy.ndimage import distance_transform_edt
from torch import Tensor

from ..render.camera import SHADING_PASS, to_ndc
from ..render.rasterizer import rasterize
from ..types import MeshSequence

SIDE = 256  #: px of a mask's longer side
MOST = 96  #: frames of a clip that are looked at
_CHUNK = 8


def mask_size(size: tuple[int, int]) -> tuple[int, int]:
    """(h, w) px of a mask over a picture of (h, w)."""
    scale = SIDE / max(size)
    return max(1, round(size[0] * scale)), max(1, round(size[1] * scale))


def covered(
    mesh: MeshSequence, size: tuple[int, int], frames: Sequence[int] | None = None
) -> Tensor:
    """Where the mesh is in any of the frames, (mh, mw) bool; at most MOST frames of a clip."""
    height, width = mask_size(size)
    if frames is None:
        frames = torch.linspace(0, len(mesh) - 1, min(MOST, len(mesh))).long().tolist()
    found = torch.zeros(height, width, dtype=torch.bool)
    for start in range(0, len(frames), _CHUNK):
        batch = mesh.meshes(frames[start : start + _CHUNK], *size)
        ndc = to_ndc(batch.screen, height, width, SHADING_PASS)
        seen = rasterize(ndc, mesh.faces, height, width, "auto").pix_to_face >= 0
        found |= seen.any(0).cpu()
    return found


def soft_mask(
    inside: Tensor, grow: float, feather: float, open_edges: Sequence[bool] = (False,) * 4
) -> Tensor:
    """1 on the covered part and ``grow`` round it, from there to 0 within ``feather``.

    Args:
        inside: (mh, mw) bool.
        grow, feather: px of the mask; below 0 the soft edge begins inside.
        open_edges: left, top, right, bottom: edges beyond which there is nothing to blend with.
            Towards the others the mask goes to 0 as well.

    Returns:
        (mh, mw) float 0..1; all 0 where nothing is covered.
    """
    if not inside.any():
        return torch.zeros(inside.shape)
    feather = max(feather, 1e-3)
    away = distance_transform_edt(~inside.numpy())
    if grow < 0:
        away = away - distance_transform_edt(inside.numpy())
    mask = _smooth(1 - (away - grow) / feather)
    rows, columns = np.indices(mask.shape)
    height, width = mask.shape
    ways = (columns, rows, width - 1 - columns, height - 1 - rows)
    for way, is_open in zip(ways, open_edges, strict=True):
        if not is_open:
            mask = np.minimum(mask, _smooth(way / feather))
    return torch.from_numpy(mask).float()


def feathered(mask: Tensor, feather: float) -> Tensor:
    """A mask of the user's, (mh, mw) 0..1, blurred by ``feather`` px; it only shrinks."""
    if feather < 0.5:
        return mask.clamp(0, 1)
    inner = distance_transform_edt(np.pad(mask.numpy() >= 0.5, 1))[1:-1, 1:-1]
    return torch.minimum(mask.clamp(0, 1), torch.from_numpy(_smooth(inner / feather)).float())


def _smooth(x: np.ndarray) -> np.ndarray:
    x = np.clip(x, 0, 1)
    return x * x * (3 - 2 * x)
