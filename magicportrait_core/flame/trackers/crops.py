"""The crops that DECA's and SMIRK's encoders look at.

Both are upright squares from the bounds of landmarks, CROP_SIZE px a side, whose first and last
pixel centres lie on the square's edges. Boxes are (n, 3): centre x, centre y, side in px of the
picture. https://doi.org/10.1145/3450626.3459936, https://arxiv.org/abs/2404.04104.
"""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import Tensor

from ...checks import check_choice, check_shape
from ...topology import to_ibug68
from ...types import CROP_SIZE

DECA_SCALE = 1.3  #: side of its crop in sizes of the face
SMIRK_SCALE = 1.4
KPT68_SIZE = 1.1  #: size of the face in mean sides of the bounds of the 68 points
BBOX_DROP = 0.12  #: sizes that the centre of a detector's box is lowered by
COARSE = 1.5  #: picture px a crop px up to which one bilinear sample is enough
LEVELS = 255
KINDS = ("kpt68", "bbox")


def bounds(points: Tensor) -> Tensor:
    """(n, k, 2 or 3) -> (n, 4): left, right, top, bottom."""
    low, high = points[..., :2].amin(-2), points[..., :2].amax(-2)
    return torch.stack([low[..., 0], high[..., 0], low[..., 1], high[..., 1]], -1)


def face_boxes(edges: Tensor, kind: str | None = None) -> Tensor:
    """Bounds (n, 4) -> boxes (n, 3) of the face itself.

    kind: "kpt68" for the bounds of FAN's 68 points, "bbox" for a detector's, None for those of
    the face mesh.
    """
    left, right, top, bottom = edges.unbind(-1)
    side = (right - left + bottom - top) / 2
    x, y = (left + right) / 2, (top + bottom) / 2
    if kind is not None:
        check_choice("kind", kind, KINDS)
        y = y + BBOX_DROP * side if kind == "bbox" else y
        side = KPT68_SIZE * side if kind == "kpt68" else side
    return torch.stack([x, y, side], -1)


def crop_boxes(faces: Tensor, scale: float, whole_px: bool = True) -> Tensor:
    """Boxes of faces (n, 3) -> boxes of crops; whole_px: sides are cut to whole px."""
    side = faces[:, 2:] * scale
    return torch.cat([faces[:, :2], side.trunc() if whole_px else side], -1)


def crop_matrices(boxes: Tensor) -> Tensor:
    """(n, 3) -> (n, 3, 3): px of the picture -> px of the crop.

    The similarity that takes a box's corners to the crop's corner pixels, in closed form.
    """
    x, y, side = boxes.unbind(-1)
    scale = (CROP_SIZE - 1) / side
    zero, one = torch.zeros_like(x), torch.ones_like(x)
    rows = [scale, zero, scale * (side / 2 - x), zero, scale, scale * (side / 2 - y)]
    return torch.stack([*rows, zero, zero, one], -1).unflatten(-1, (3, 3))


def deca_boxes(landmarks: Tensor, whole_px: bool = True) -> Tensor:
    """Mesh points (n, 478, 3) -> boxes of E_flame's crops, from the points that stand for 68."""
    faces = face_boxes(bounds(to_ibug68(landmarks).double()), "kpt68")
    return crop_boxes(faces, DECA_SCALE, whole_px)


def smirk_boxes(landmarks: Tensor, whole_px: bool = True) -> Tensor:
    """Mesh points (n, 478, 3) -> boxes of SMIRK's crops."""
    return crop_boxes(face_boxes(bounds(landmarks.double())), SMIRK_SCALE, whole_px)


def cut_crop(image: Tensor, crop_from_frame: Tensor, size: int = CROP_SIZE) -> Tensor:
    """Cut one crop out of a picture.

    A pixel is one bilinear sample; where the picture is much finer than the crop, of the picture
    averaged down. Outside the picture is black.

    Args:
        image: (3, h, w) uint8, or float 0..255.
        crop_from_frame: (3, 3), affine.
        size: px a side.

    Returns:
        (3, size, size) float32 0..255.
    """
    check_shape("image", image, 3, "h", "w")
    back = torch.linalg.inv(crop_from_frame.double().cpu())[:2]
    window = max(1, int(back[:, :2].det().abs().sqrt() / COARSE))
    patch, origin = _patch(image, back, size, window)
    patch = _mean(_mean(patch.float(), 1, window), 2, window)
    back[:, 2] += 0.5 - origin  # from the patch's corner
    # grid_sample's coordinates: -1..1 from edge to edge
    back *= 2 / (window * torch.tensor([[patch.shape[2]], [patch.shape[1]]]))
    steps = torch.arange(size, dtype=torch.float64)
    along, down = steps * back[:, :1], steps * back[:, 1:2] + back[:, 2:] - 1  # (2, size) each
    grid = (along[:, None] + down[..., None]).to(patch)  # (2, size, size)
    grid = grid.permute(1, 2, 0)[None]
    return F.grid_sample(patch[None], grid, padding_mode="zeros", align_corners=False)[0]


def _patch(image: Tensor, back: Tensor, size: int, window: int) -> tuple[Tensor, Tensor]:
    """The part of the picture that a crop touches, and the (x, y) of its first pixel."""
    far = float(size - 1)
    corners = back.new_tensor([[0, 0, 1], [far, 0, 1], [0, far, 1], [far, far, 1]]) @ back.T
    limit = torch.tensor([image.shape[2], image.shape[1]])
    # what a sample touches, in whole windows that start at the same pixels in every frame
    low = ((corners.amin(0) / window).floor().long() - 2) * window
    high = ((corners.amax(0) / window).floor().long() + 3) * window
    low = low.clamp(min=0).minimum((limit - 1) // window * window)
    high = high.minimum(limit).maximum(low + 1)
    return image[:, low[1] : high[1], low[0] : high[0]], low


def _mean(x: Tensor, dim: int, window: int) -> Tensor:
    """Means over windows that do not overlap, along one axis; what is over at the end is black."""
    if window == 1:
        return x
    over = -x.shape[dim] % window
    x = F.pad(x, (0, over) if dim == 2 else (0, 0, 0, over))
    total = x.unfold(dim, window, window)
    mean = total[..., 0].clone()
    for i in range(1, window):
        mean += total[..., i]
    return mean / window


def deca_input(image: Tensor, crop_from_frame: Tensor) -> Tensor:
    """(3, h, w) uint8 -> (3, 224, 224) float32 0..1, what E_flame looks at."""
    return cut_crop(image, crop_from_frame) / LEVELS


def smirk_input(image: Tensor, crop_from_frame: Tensor) -> Tensor:
    """(3, h, w) uint8 -> (3, 224, 224) float32 0..1 in whole steps of 1 / 255.

    SMIRK's crops are cut down to whole levels before its encoders see them.
    """
    levels = cut_crop(image, crop_from_frame) + 1e-3  # a flat patch keeps its level
    return levels.floor().clamp(max=LEVELS) / LEVELS
