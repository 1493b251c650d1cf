"""Hair, ears, neck and background: rings round the face that fade from head to picture."""

from __future__ import annotations

from dataclasses import dataclass

import torch
import torch.nn.functional as F
from torch import Tensor

from ..topology import FACE_OVAL
from .head import PortraitHead
from .motion import FaceMotion
from .regions import smoothstep
from .scan import affine_maps, scan_convert, source_field

#: Ring radii in multiples of the face oval; the first lie under the face.
_RADII = (0.0, 0.5, 0.8, 1.0, 1.08, 1.18, 1.3, 1.45, 1.62, 1.82, 2.05, 2.35, 2.7, 3.1)
_FULL = {"up": 1.7, "side": 1.4, "down": 1.06}  #: radius up to which a point moves with the skull
#: Share of its distance to the border that a point may move.
_BORDER_ROOM = 0.8
_STILL = {"up": 3.0, "side": 2.6, "down": 2.0}  #: radius from which it does not move


@dataclass(frozen=True)
class Surround:
    """A ring mesh bound to one portrait. Build it with from_head."""

    rest: Tensor  #: (v, 3) canonical
    pixels: Tensor  #: (v, 2) px at rest
    triangles: Tensor  #: (f, 3)
    rigid: Tensor  #: (v,) share of the skull's motion, 0..1
    follow: Tensor  #: (v,) share of the expression of the oval's nearest point, 0..1
    oval_index: Tensor  #: (v,) into FACE_OVAL
    room: Tensor  #: (v,) px from the picture's nearest border, 0 outside

    @staticmethod
    def from_head(head: PortraitHead, height: int, width: int) -> Surround:
        n, radii = len(FACE_OVAL), torch.tensor(_RADII)
        oval = head.shape[list(FACE_OVAL)]
        center = oval.mean(0)
        spoke = oval - center
        rest = center + radii[:, None, None] * spoke  # [r, n, 3]
        beyond = ((radii - 1) / 0.6).clamp(0, 1)[:, None]
        depth = oval[:, 2] + (head.pivot[2] - oval[:, 2]) * beyond
        rest[..., 2] = torch.where(radii[:, None] >= 1, depth, oval[:, 2])
        rest = rest.flatten(0, 1)
        pixels = head.turn(rest[None], torch.eye(3)[None])[0, :, :2]
        rigid = _skull_share(radii, spoke) * _border_share(pixels, height, width)
        follow = (1 - (radii - 1).clamp(min=0) / 0.7).clamp(min=0) ** 2
        return Surround(
            rest, pixels, _ring_triangles(len(_RADII), n), rigid,
            follow.repeat_interleave(n), torch.arange(n).repeat(len(_RADII)),
            _room(pixels, height, width),
        )  # fmt: skip

    def place(self, head: PortraitHead, motion: FaceMotion, landmarks: Tensor) -> Tensor:
        """Ring vertices under ``motion``: (t, v, 3) px. landmarks (t, 478, 3) px as moved."""
        turned = head.turn(self.rest[None], motion.rotation)
        at_rest = head.turn(self.rest[None], torch.eye(3)[None])
        oval = list(FACE_OVAL)
        skull = head.turn(head.shape[None, oval], motion.rotation)
        expression = (landmarks[:, oval] - skull)[:, self.oval_index]
        moved = at_rest + self.rigid[:, None] * (turned - at_rest)
        border = (self.rigid * self.follow)[:, None]
        step = moved + border * expression - at_rest
        return at_rest + step * self._within_border(step)

    def _within_border(self, step: Tensor) -> Tensor:
        """(t, v, 1) 0..1: shortens steps (t, v, 3) px that would carry hair past a still border."""
        room = _BORDER_ROOM * self.room[:, None]
        length = step[..., :2].norm(dim=-1, keepdim=True)
        return room / (room**4 + length**4).clamp(min=1e-6) ** 0.25

    def field(self, placed: Tensor, height: int, width: int, step: int) -> Tensor:
        """Offset to the source of each pixel: (t, height, width, 2) px, smooth."""
        rows, columns = -(-height // step), -(-width // step)
        middle = (step - 1) / 2
        small = placed.clone()
        small[..., :2] = (placed[..., :2] - middle) / step
        triangles = self.triangles.to(placed.device)
        face = scan_convert(small, triangles, rows, columns)
        at_rest = self.pixels.to(placed.device)[triangles][None]
        maps = affine_maps(at_rest, placed[:, triangles, :2])
        field = source_field(face, maps, (middle, middle), step)
        x = middle + step * torch.arange(columns, device=field.device)
        y = middle + step * torch.arange(rows, device=field.device)
        own = torch.stack(torch.broadcast_tensors(x, y[:, None]), -1)
        offset = (field - own).permute(0, 3, 1, 2)
        full = F.interpolate(offset, scale_factor=step, mode="bilinear", align_corners=False)
        return full[..., :height, :width].permute(0, 2, 3, 1)


def _skull_share(radii: Tensor, spoke: Tensor) -> Tensor:
    """(r,) and spokes (n, 3) -> (r * n,): 1 on the skull, 0 on the background."""
    direction = torch.nn.functional.normalize(spoke[:, :2], dim=1)
    up, down = (-direction[:, 1]).clamp(min=0) ** 2, direction[:, 1].clamp(min=0) ** 2
    side = direction[:, 0] ** 2
    shares = {"up": up, "side": side, "down": down}
    full = sum(shares[k] * _FULL[k] for k in shares)
    still = sum(shares[k] * _STILL[k] for k in shares)
    return (1 - smoothstep((radii[:, None] - full) / (still - full))).flatten()


def _border_share(pixels: Tensor, height: int, width: int) -> Tensor:
    """(v, 2) px -> (v,): 0 on and outside the picture's edge, 1 well inside."""
    return smoothstep(_room(pixels, height, width) / (0.12 * min(height, width)))


def _room(pixels: Tensor, height: int, width: int) -> Tensor:
    """(v, 2) px -> (v,) px to the picture's nearest border, 0 outside."""
    x, y = pixels.unbind(1)
    return torch.stack([x, width - 1 - x, y, height - 1 - y]).amin(0).clamp(min=0)


def _ring_triangles(rings: int, n: int) -> Tensor:
    ring, spoke = torch.meshgrid(torch.arange(rings - 1), torch.arange(n), indexing="ij")
    a, b = ring * n + spoke, ring * n + (spoke + 1) % n
    c, d = a + n, b + n
    return torch.cat([torch.stack([a, c, b], -1), torch.stack([b, c, d], -1)]).flatten(0, 1)
