"""The attention mesh: 478 points of a face crop, eyes, irises and lips refined.

https://arxiv.org/abs/2006.10962. A plain torch twin of MediaPipe's
face_landmark_with_attention.tflite: a trunk gives 468 rough points; crops of an early feature
map, placed by those points, go through a network of their own for the lips and for each eye.
"""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from .layers import SeparableBlock

INPUT_SIZE = 192
TAP_SIZE, TAP_CHANNELS = 48, 32  #: the early feature map
REGION_SIZE = 16  #: px of the tap's crops
HEAD_SIZE = 64  #: the region heads' points lie in 0..HEAD_SIZE
REGION_MARGIN = 1.5
REGIONS = ("lips", "eye_33", "eye_362")  #: named by a corner, which has no mirrored meaning
CORNERS = ((61, 291), (33, 133), (362, 263))  #: their line gives a region's angle
SUBSET = (80, 71, 71)  #: points a region refines
EYE_CONTOUR = 16  #: the first points of an eye's subset, whose mean z the iris takes


def _block(c_in: int, c_out: int, down: bool = False) -> SeparableBlock:
    return SeparableBlock(c_in, c_out, nn.PReLU(c_out), down)


def _stage(c_in: int, c_out: int, repeats: int = 2) -> list[nn.Module]:
    return [_block(c_in, c_out, down=True), *(_block(c_out, c_out) for _ in range(repeats))]


def _head(c_out: int, kernel: int) -> list[nn.Module]:
    """The end of every branch: down to 32 channels, then one valid convolution per output."""
    squeeze = [nn.Conv2d(128, 32, 1), nn.PReLU(32), _block(32, 32)]
    return [*squeeze, nn.Conv2d(32, c_out, kernel)]


def _region_trunk() -> nn.Sequential:
    """16x16x32 -> 4x4x128."""
    pair = [_block(32, 32), _block(32, 32)]
    return nn.Sequential(*pair, *_stage(32, 64), _block(64, 128, down=True))


def _region_head(points: int) -> nn.Sequential:
    """4x4x128 -> (2 * points) x 1 x 1."""
    pair = [_block(128, 128), _block(128, 128)]
    return nn.Sequential(*pair, *_stage(128, 128), *_head(2 * points, 2))


class AttentionMesh(nn.Module):
    """(n, 3, 192, 192) RGB in 0..1 -> points (n, 478, 3) in crop pixels, presence (n,) logits."""

    def __init__(self) -> None:
        super().__init__()
        stem = [nn.Conv2d(3, 16, 3, 2), nn.PReLU(16), _block(16, 16), _block(16, 16)]
        self.early = nn.Sequential(*stem, _block(16, 32, down=True))
        deep = [_block(32, 32), _block(32, 32), *_stage(32, 64), *_stage(64, 128)]
        deep += [*_stage(128, 128), *_stage(128, 128), nn.Conv2d(128, 32, 1), nn.PReLU(32)]
        self.deep = nn.Sequential(*deep, _block(32, 32))
        self.points = nn.Conv2d(32, 468 * 3, 3)
        self.presence = nn.Conv2d(32, 1, 3)
        self.region_trunks = nn.ModuleDict({name: _region_trunk() for name in REGIONS})
        self.region_heads = nn.ModuleDict(
            {name: _region_head(k) for name, k in zip(REGIONS, SUBSET, strict=True)}
        )
        self.iris_heads = nn.ModuleDict({name: _region_head(5) for name in REGIONS[1:]})
        for name, k in zip(REGIONS, SUBSET, strict=True):
            self.register_buffer(f"subset_{name}", torch.zeros(k, dtype=torch.int64))

    def forward(self, crops: Tensor) -> tuple[Tensor, Tensor]:
        n = len(crops)
        tap = self.early(F.pad(crops, (0, 1, 0, 1)))
        deep = self.deep(tap)
        mesh = self.points(deep).reshape(n, 468, 3)
        points = torch.cat([mesh, mesh.new_zeros(n, 10, 3)], 1)
        for i, name in enumerate(REGIONS):
            subset = self.get_buffer(f"subset_{name}")
            matrix = region_matrix(mesh[..., :2] * (TAP_SIZE / INPUT_SIZE), subset, CORNERS[i])
            features = self.region_trunks[name](sample_region(tap, matrix))
            points[:, subset, :2] = _to_crop(self.region_heads[name](features), matrix)
            if name in self.iris_heads:
                iris = slice(468 + 5 * (i - 1), 473 + 5 * (i - 1))
                points[:, iris, :2] = _to_crop(self.iris_heads[name](features), matrix)
                points[:, iris, 2] = mesh[:, subset[:EYE_CONTOUR], 2].mean(1, keepdim=True)
        return points, self.presence(deep).reshape(n)


def region_matrix(points: Tensor, subset: Tensor, corners: tuple[int, int]) -> Tensor:
    """Map region pixels to tap pixels: (n, 468, 2) in tap pixels -> (n, 2, 3).

    The box of the subset's points, taken along the line of the two corners and widened by
    REGION_MARGIN, fills the region; its two axes are scaled apart.
    """
    across = points[:, corners[1]] - points[:, corners[0]]
    angle = torch.atan2(across[:, 1], across[:, 0])
    cos, sin = angle.cos(), angle.sin()
    turn = torch.stack([cos, -sin, sin, cos], -1).reshape(-1, 2, 2)
    upright = points[:, subset] @ turn  # each point turned by -angle
    low, high = upright.amin(1), upright.amax(1)
    centre = (turn @ ((low + high) / 2)[..., None])[..., 0]
    linear = turn * ((high - low) * (REGION_MARGIN / REGION_SIZE))[:, None, :]
    shift = centre - linear.sum(-1) * (REGION_SIZE / 2)
    return torch.cat([linear, shift[..., None]], -1)


def sample_region(tap: Tensor, matrix: Tensor) -> Tensor:
    """Bilinear (n, c, 48, 48) -> (n, c, 16, 16); whole samples outside the map are zero."""
    cell = torch.arange(REGION_SIZE, device=tap.device) + 0.5
    y, x = torch.meshgrid(cell, cell, indexing="ij")
    cells = torch.stack([x, y, torch.ones_like(x)], -1).to(matrix.dtype)
    at = torch.einsum("hwk,njk->nhwj", cells, matrix)  # pixel corners at whole numbers
    inside = ((at >= 0.5) & (at <= TAP_SIZE - 0.5)).all(-1)[:, None]
    grid = at * (2 / TAP_SIZE) - 1
    return F.grid_sample(tap, grid, align_corners=False, padding_mode="zeros") * inside


def _to_crop(values: Tensor, matrix: Tensor) -> Tensor:
    """A head's output (n, 2k, 1, 1) -> (n, k, 2) in crop pixels."""
    region = values.reshape(len(values), -1, 2)
    # the head's scale is 4 x the region's, as the crop's is 4 x the tap's
    shift = matrix[:, None, :, 2] * (HEAD_SIZE / REGION_SIZE)
    return region @ matrix[:, :, :2].transpose(1, 2) + shift
