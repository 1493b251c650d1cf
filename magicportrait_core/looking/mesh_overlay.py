"""A mesh drawn over the frames it was tracked in, to see at a glance whether the track holds."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import torch
import torch.nn.functional as F
from torch import Tensor

from ..flame.head_model import HeadModel
from ..flame.meshes import HeadMeshes
from ..render import landmark_mesh, render_maps
from ..types import FaceTrack, HeadTrack, MeshBatch, MeshSequence

SEEN, LOST = (0.42, 0.8, 0.92), (0.93, 0.36, 0.3)  #: RGB of the mesh, and in interpolated frames
COVER = 0.7  #: how much of a frame the mesh hides
#: (9, 3) light from the front, above and the left that shows the mesh's form; see `light`
RELIEF: Tensor = torch.tensor([0.75, -0.34, 0.4, 0.74, 0, 0, 0, 0, 0])[:, None].repeat(1, 3)
_ROUND, _SQUARE = 0.12, 1.25  #: margin round what is looked at, of its size; widest shape
_MOST = 0.8  #: of the frame's sides: a window of more is the frame
_SAMPLES, _BATCH = 48, 8  #: frames a window is found from; posed at once


@dataclass(frozen=True)
class Window:
    """A part of every frame, px."""

    left: int
    top: int
    width: int
    height: int

    def cut(self, frames: Tensor, height: int, width: int) -> Tensor:
        """(n, 3, h, w) uint8 frames -> their part, resized to (n, 3, height, width) uint8."""
        rows = slice(self.top, self.top + self.height)
        part = frames[..., rows, self.left : self.left + self.width]
        if part.shape[-2:] == (height, width):
            return part
        sized = F.interpolate(part.float(), (height, width), mode="bicubic", antialias=True)
        return sized.round().clamp(0, 255).to(torch.uint8)


class Windowed(MeshSequence):
    """A sequence as it stands in a part of its frames."""

    def __init__(
        self, meshes: MeshSequence, frame_size: tuple[int, int], window: Window | None = None
    ) -> None:
        self.inner, self.frame_size = meshes, frame_size
        self.window = window or Window(0, 0, frame_size[1], frame_size[0])
        self.faces, self.uvs, self.uv_faces = meshes.faces, meshes.uvs, meshes.uv_faces
        self.albedo, self.fps = meshes.albedo, meshes.fps

    def __len__(self) -> int:
        return len(self.inner)

    def meshes(self, frames: Sequence[int], height: int, width: int) -> MeshBatch:
        batch, w = self.inner.meshes(frames, *self.frame_size), self.window
        size = batch.screen.new_tensor(self.frame_size[::-1])
        place, part = (batch.screen.new_tensor(x) for x in ((w.left, w.top), (w.width, w.height)))
        flat = ((batch.screen[..., :2] + 1) / 2 * size - place) / part * 2 - 1
        return replace(batch, screen=torch.cat([flat, batch.screen[..., 2:]], -1))


class MeshOverlay:
    """A mesh in one colour over the frames of its clip, red where no face was seen."""

    def __init__(
        self,
        meshes: MeshSequence,
        frame_size: tuple[int, int],
        valid: Tensor,
        *,
        backend: str = "auto",
        device: torch.device | str = "cpu",
    ) -> None:
        """Nothing is posed yet.

        Args:
            meshes: white, see `head_cover` and `face_cover`.
            frame_size: (h, w) px of the frames.
            valid: (t,) bool.
        """
        self.meshes, self.frame_size, self.valid = meshes, frame_size, valid
        self.backend, self.device = backend, device

    def draw(self, pictures: Tensor, frames: Sequence[int], window: Window) -> Tensor:
        """Lay the mesh over ``window`` of these frames: (n, 3, h, w) uint8, as `Window.cut` gives.

        Returns the same shape, uint8.
        """
        seen = Windowed(_Some(self.meshes, frames), self.frame_size, window)
        maps = render_maps(seen, *pictures.shape[-2:], backend=self.backend, device=self.device)
        batch = maps.frames(range(len(frames)))
        soft = F.avg_pool2d(batch.mask, 3, 1, 1, count_include_pad=False)  # less at the edge
        cover = (COVER * batch.mask * soft).cpu()
        shade = cover * batch.render.clamp(0, 1).cpu()
        valid = self.valid[list(frames)].cpu()[:, None]
        colour = torch.where(valid, torch.tensor(SEEN), torch.tensor(LOST))  # (n, 3)
        laid = shade * colour[..., None, None] * 255
        mixed = pictures.float() * (1 - cover) + laid
        return mixed.round().clamp(0, 255).to(torch.uint8)

    def window(self) -> Window:
        """The part of the frames in which the mesh is through the clip; the frame if it is most."""
        known = self.valid.nonzero()[:, 0]
        some = known[torch.linspace(0, len(known) - 1, min(_SAMPLES, len(known))).long()]
        low, high = torch.full((2,), torch.inf), torch.full((2,), -torch.inf)
        for part in some.split(_BATCH):
            flat = self.meshes.meshes(part.tolist(), *self.frame_size).screen[..., :2].cpu()
            low = torch.minimum(low, flat.amin((0, 1)))
            high = torch.maximum(high, flat.amax((0, 1)))
        return window_round(low, high, self.frame_size)


def window_round(low: Tensor, high: Tensor, frame_size: tuple[int, int]) -> Window:
    """The window that shows screen coordinates from low to high, (2,) x and y, with a margin."""
    height, width = frame_size
    size = torch.tensor([width, height])
    low, high = ((edge.clamp(-1, 1) + 1) / 2 * size for edge in (low, high))
    span = ((high - low) * (1 + 2 * _ROUND)).clamp(min=16).minimum(size)
    span = torch.maximum(span, span.flip(0) / _SQUARE).minimum(size)
    if (span > _MOST * size).all():
        return Window(0, 0, width, height)
    span = span.round()
    corner = ((low + high - span) / 2).round().clamp(min=0).minimum(size - span)
    left, top, wide, tall = (int(v) for v in [*corner.tolist(), *span.tolist()])
    return Window(left, top, wide, tall)


def head_cover(track: HeadTrack, head: HeadModel) -> MeshSequence:
    """A head track's mesh in its own frames, white, lit for its form."""
    light = RELIEF.to(track.lighting).expand(len(track), 9, 3)
    white = torch.ones(3, 1, 1, device=head.template.device)
    return HeadMeshes(replace(track, lighting=light), head, white)


def face_cover(track: FaceTrack) -> MeshSequence:
    """A landmark track's mesh in its own frames, white, lit for its form."""
    return landmark_mesh(track, lighting=RELIEF, colour=torch.ones(3, 1, 1))


class _Some(MeshSequence):
    """Some frames of a sequence, counted from 0."""

    def __init__(self, meshes: MeshSequence, frames: Sequence[int]) -> None:
        self.inner, self.chosen = meshes, list(frames)
        self.faces, self.uvs, self.uv_faces = meshes.faces, meshes.uvs, meshes.uv_faces
        self.albedo, self.fps = meshes.albedo, meshes.fps

    def __len__(self) -> int:
        return len(self.chosen)

    def meshes(self, frames: Sequence[int], height: int, width: int) -> MeshBatch:
        return self.inner.meshes([self.chosen[i] for i in frames], height, width)
