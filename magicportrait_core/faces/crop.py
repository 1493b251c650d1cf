"""Rotated square crops of a picture, and the way back.

A crop is four numbers: centre x, centre y and side in px, angle in radians (how far the face's
eye line is turned clockwise as the picture shows it). Pixel i of a crop of n px lies at
i / n of its side, measured between pixel centres, as in MediaPipe.
"""

from __future__ import annotations

import math

import torch
import torch.nn.functional as F
from torch import Tensor

from ..topology import LEFT_EYE_OUTER, NUM_MESH, RIGHT_EYE_OUTER
from .detector import Detections

MARGIN = 1.5  #: side of the crop in sides of the face
COARSEST = 3.0  #: picture pixels a crop pixel, from twice which on the picture is averaged down


def crops_from_detections(faces: Detections) -> Tensor:
    """(k, 4) crops round detected faces, upright by their eyes."""
    across = faces.keypoints[:, 1] - faces.keypoints[:, 0]
    return _crops(faces.boxes[:, :2], faces.boxes[:, 2:], across)


def crops_from_landmarks(landmarks: Tensor) -> Tensor:
    """(n, 478, 2 or 3) px -> (n, 4) crops round the meshes, upright by their eyes."""
    mesh = landmarks[:, :NUM_MESH, :2]
    across = mesh[:, LEFT_EYE_OUTER] - mesh[:, RIGHT_EYE_OUTER]
    return _crops(mesh.amin(1), mesh.amax(1), across)


def _crops(low: Tensor, high: Tensor, across: Tensor) -> Tensor:
    side = (high - low).amax(-1, keepdim=True) * MARGIN
    angle = torch.atan2(across[:, 1:], across[:, :1])
    return torch.cat([(low + high) / 2, side, angle], -1)


def whole(height: int, width: int) -> Tensor:
    """(1, 4) the square that holds the picture."""
    return torch.tensor([[width / 2, height / 2, float(max(height, width)), 0.0]])


def tiles(height: int, width: int, zoom: float) -> Tensor:
    """(k, 4) squares of 1 / zoom of the shorter side, half overlapping, that cover the picture."""
    side = min(height, width) / zoom

    def centres(length: int) -> Tensor:
        count = 1 + math.ceil((length - side) / (side / 2))
        return torch.linspace(side / 2, length - side / 2, count)

    y, x = torch.meshgrid(centres(height), centres(width), indexing="ij")
    rest = torch.tensor([side, 0.0]).expand(y.numel(), 2)
    return torch.cat([x.reshape(-1, 1), y.reshape(-1, 1), rest], 1)


def crop_matrix(crops: Tensor, size: int) -> Tensor:
    """(n, 4) -> (n, 2, 3): crop pixels to picture pixels."""
    x, y, side, angle = crops.unbind(-1)
    cos, sin = angle.cos() * side / size, angle.sin() * side / size
    turn = torch.stack([cos, -sin, sin, cos], -1).reshape(-1, 2, 2)
    shift = torch.stack([x, y], -1) - turn.sum(-1) * (size / 2)
    return torch.cat([turn, shift[..., None]], -1)


def sample_crop(
    image: Tensor, crop: Tensor, size: int, border: str = "border", soft: bool = False
) -> Tensor:
    """Cut one crop out of a picture: (3, h, w) uint8, (4,) -> (3, size, size) float32 in 0..1.

    ``border``: "border" repeats the picture's edge outside it, "zeros" is black. ``soft``: a
    pixel is the mean of the area it stands for, which takes a third of what the picture's noise
    does to the mesh; else one bilinear sample, as in MediaPipe, of a picture averaged down
    only where it is much finer than the crop.
    """
    matrix = crop_matrix(crop[None].cpu(), size)[0]
    patch, origin = _cut(image, matrix, size)
    patch = patch.float()[None]
    scale = float(crop[2]) / size
    window = round(scale) if soft else int(scale / COARSEST)
    window = max(1, min(window, *patch.shape[2:]))
    step = max(1, window // 2) if soft else window
    if window > 1:
        patch = _mean(_mean(patch, 2, window, step), 3, window, step)
        origin = origin + (window - 1) / 2
    extent = torch.tensor([patch.shape[-1] - 1, patch.shape[-2] - 1]).clamp(min=1)
    at = (_pixels(size) @ matrix.T - origin) / step
    grid = (at * (2 / extent) - 1)[None].to(patch)
    return F.grid_sample(patch, grid, padding_mode=border, align_corners=True)[0] / 255


def _mean(x: Tensor, dim: int, window: int, step: int) -> Tensor:
    """Means over windows along one axis; several times faster here than ``avg_pool2d``."""
    windows = x.unfold(dim, window, step)
    total = windows[..., 0]
    for i in range(1, window):
        total = total + windows[..., i]
    return total / window


def _pixels(size: int) -> Tensor:
    """(size, size, 3) homogeneous x, y, 1 of every crop pixel."""
    steps = torch.arange(size, dtype=torch.float32)
    y, x = torch.meshgrid(steps, steps, indexing="ij")
    return torch.stack([x, y, torch.ones_like(x)], -1)


def _cut(image: Tensor, matrix: Tensor, size: int) -> tuple[Tensor, Tensor]:
    """The part of the picture that a crop touches, and its top-left pixel (x, y)."""
    corners = torch.tensor([[0, 0, 1], [size, 0, 1], [0, size, 1], [size, size, 1]]).float()
    corners = corners @ matrix.T
    limit = torch.tensor([image.shape[-1], image.shape[-2]])
    low = (corners.amin(0).floor().long() - 1).clamp(min=0).minimum(limit - 1)
    high = (corners.amax(0).ceil().long() + 2).clamp(min=1).minimum(limit).maximum(low + 1)
    return image[:, low[1] : high[1], low[0] : high[0]], low.float()


def points_to_picture(points: Tensor, crops: Tensor, size: int) -> Tensor:
    """Points in crop pixels (n, k, 2 or 3) -> picture pixels; z is scaled like x."""
    matrix = crop_matrix(crops, size)
    flat = points[..., :2] @ matrix[:, :, :2].transpose(1, 2) + matrix[:, None, :, 2]
    depth = points[..., 2:] * (crops[:, 2] / size)[:, None, None]
    return torch.cat([flat, depth], -1)
