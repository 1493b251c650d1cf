"""Draws moved heads: surroundings, face and what lies behind lids and lips, as three layers."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import torch
import torch.nn.functional as F
from PIL import Image
from torch import Tensor

from ..pictures import to_uint8
from ..topology import NUM_MESH, TRIANGLES
from .head import PortraitHead
from .interior import Interior, hole_triangles
from .motion import FaceMotion
from .scan import affine_maps, scan_convert, source_field
from .surround import Surround

#: The portrait is sampled from a copy twice as large, or sampling would soften it; a portrait of
#: more px than this has detail to spare and is sampled as it is.
_ENLARGED_PIXELS = 2**21
#: Rows and columns of samples in a pixel where the edges of lids and lips are drawn.
_FINE = 3


def _enlarge(picture: Tensor) -> Tensor:
    """(3, h, w) float 0..1 -> (1, 3, 2h, 2w), Lanczos; large pictures keep their size."""
    if picture.shape[1] * picture.shape[2] > _ENLARGED_PIXELS:
        return picture[None]
    image = Image.fromarray(to_uint8(picture).permute(1, 2, 0).numpy())
    big = image.resize((image.width * 2, image.height * 2), Image.Resampling.LANCZOS)
    return torch.from_numpy(np.array(big)).permute(2, 0, 1)[None].float() / 255


def _sample(picture: Tensor, field: Tensor, size: tuple[int, int]) -> Tensor:
    """Read a portrait of ``size`` (h, w) px at places of its own: (t, h, w, 2) -> (t, 3, h, w).

    ``picture`` (1, 3, ...) may be an enlarged copy.
    """
    grid = (2 * field + 1) / torch.tensor(size[::-1], device=field.device) - 1
    source = picture.expand(field.shape[0], -1, -1, -1)
    return F.grid_sample(source, grid, mode="bicubic", padding_mode="border", align_corners=False)


def _soften(mask: Tensor, radius: int) -> Tensor:
    """Box blur of (t, h, w) masks."""
    size = 2 * radius + 1
    padded = F.pad(mask[:, None], [radius] * 4, mode="replicate")
    return F.avg_pool2d(padded, size, stride=1)[:, 0]


def _coverage(
    vertices: Tensor, triangles: Tensor, height: int, width: int
) -> tuple[Tensor, Tensor]:
    """How much of each pixel the triangles cover, and one that touches it.

    Returns (t, h, w) shares 0..1 and (t, h, w) indices, -1 where there is none.
    """
    fine = vertices.clone()
    fine[..., :2] = _FINE * vertices[..., :2] + (_FINE - 1) / 2
    index = scan_convert(fine, triangles, _FINE * height, _FINE * width)
    share = F.avg_pool2d((index >= 0).float()[:, None], _FINE)[:, 0]
    touching = F.max_pool2d(index.float()[:, None], _FINE)[:, 0].long()
    return share, touching


@dataclass(frozen=True)
class Renderer:
    """Everything about one portrait that does not change between frames.

    Geometry is small and stays on the CPU; pixels are drawn where ``picture`` is.
    """

    head: PortraitHead
    surround: Surround
    interior: Interior
    picture: Tensor  #: (1, 3, 2h, 2w)
    skin: Tensor  #: (1, 3, 2h, 2w): interior.skin
    behind: Tensor  #: (1, 3, 2h, 2w): interior.behind
    hole: Tensor  #: (closing triangles,) 0..2: the hole each closes
    height: int
    width: int

    @staticmethod
    def from_portrait(
        portrait: Tensor, head: PortraitHead, device: torch.device | str = "cpu"
    ) -> Renderer:
        """portrait (3, h, w) float 0..1, on the CPU."""
        _, height, width = portrait.shape
        interior = Interior.from_portrait(portrait, head)
        pictures = (portrait, interior.skin, interior.behind)
        enlarged = [_enlarge(picture).to(device) for picture in pictures]
        surround = Surround.from_head(head, height, width)
        return Renderer(
            head, surround, interior, *enlarged, hole_triangles()[1].to(device), height, width
        )

    def draw(self, motion: FaceMotion) -> Tensor:
        """(t) frames of motion -> (t, 3, h, w) float 0..1."""
        shape = self.head.deform(motion)
        landmarks = self.head.turn(shape, motion.rotation)
        frames = self._draw_surround(motion, landmarks)
        x0, y0, x1, y1 = window = self._window(landmarks)
        if x1 <= x0 or y1 <= y0:
            return frames.clamp_(0, 1)
        triangles = torch.cat([TRIANGLES, hole_triangles()[0]])
        vertices = self._move(landmarks[:, :NUM_MESH] - torch.tensor([x0, y0, 0.0]))
        face = scan_convert(vertices, self._move(triangles), y1 - y0, x1 - x0, cull=True)
        rest = self.head.landmarks[triangles, :2][None]
        maps = self._move(affine_maps(rest, landmarks[:, triangles, :2]))
        skin = self._read(self.skin, source_field(face, maps, (x0, y0)))
        self._fill_holes(skin, face, motion, shape, landmarks, window)

        cover = (face >= 0).float()
        radius = max(1, round(0.016 * float(self.head.pose.scale[0])))
        alpha = (((_soften(cover, radius) - 0.5) * 2).clamp(0, 1) * cover)[:, None]
        under = frames[:, :, y0:y1, x0:x1]
        frames[:, :, y0:y1, x0:x1] = under + alpha * (skin - under)
        return frames.clamp_(0, 1)

    def _read(self, picture: Tensor, field: Tensor) -> Tensor:
        return _sample(picture, field, (self.height, self.width))

    def _move(self, tensor: Tensor) -> Tensor:
        return tensor.to(self.picture.device)

    def _draw_surround(self, motion: FaceMotion, landmarks: Tensor) -> Tensor:
        placed = self._move(self.surround.place(self.head, motion, landmarks))
        step = max(4, round(max(self.height, self.width) / 160))
        offset = self.surround.field(placed, self.height, self.width, step)
        x, y = self._move(torch.arange(self.width)), self._move(torch.arange(self.height))
        own = torch.stack(torch.broadcast_tensors(x, y[:, None]), -1)
        return self._read(self.picture, offset + own)

    def _window(self, landmarks: Tensor) -> tuple[int, int, int, int]:
        """x0, y0, x1, y1 of the part of the picture any face of the batch touches."""
        low = landmarks[..., :2].amin((0, 1)).floor().int().tolist()
        high = landmarks[..., :2].amax((0, 1)).ceil().int().tolist()
        x0, y0 = max(low[0] - 1, 0), max(low[1] - 1, 0)
        return x0, y0, min(high[0] + 2, self.width), min(high[1] + 2, self.height)

    def _fill_holes(
        self,
        skin: Tensor,
        face: Tensor,
        motion: FaceMotion,
        shape: Tensor,
        landmarks: Tensor,
        window: tuple[int, int, int, int],
    ) -> None:
        """Put eyeballs and the mouth's inside where lids and lips let them be seen, in place."""
        first = len(TRIANGLES)
        seen = (face >= first).any(0)
        if not seen.any():
            return
        rows, columns = seen.any(1).nonzero(), seen.any(0).nonzero()
        top, left = max(int(rows.min()) - 1, 0), max(int(columns.min()) - 1, 0)
        bottom, right = int(rows.max()) + 2, int(columns.max()) + 2
        part = (..., slice(top, bottom), slice(left, right))
        near = _soften((face[part] >= first).float(), 1) > 0
        closing = hole_triangles()[0]
        corner = torch.tensor([window[0] + left, window[1] + top, 0.0])
        vertices = self._move(landmarks[:, :NUM_MESH] - corner)
        cover, index = _coverage(vertices, self._move(closing), *near.shape[1:])
        source = self.interior.sources(self.head, shape)[:, closing]
        maps = self._move(affine_maps(source, landmarks[:, closing, :2]))
        field = source_field(index, maps, (window[0] + left, window[1] + top))
        field = self._turn_eyes(field, self.hole[index], motion)
        skin[part] += (cover * near)[:, None] * (self._read(self.behind, field) - skin[part])

    def _turn_eyes(self, field: Tensor, hole: Tensor, motion: FaceMotion) -> Tensor:
        """Shift irises by the gaze: fully in the eye's middle, not at all at its corners."""
        shift = self._move(self.interior.gaze(self.head, motion))
        reach = (0.55 * self.head.pose.scale * self.interior.eye_widths).tolist()
        for eye in (0, 1):
            away = (field - self._move(self.interior.eye_centers[eye])).norm(dim=-1) / reach[eye]
            share = (1 - away.clamp(max=1) ** 2) * (hole == eye)
            field = field - share[..., None] * shift[:, eye, None, None]
        return field
