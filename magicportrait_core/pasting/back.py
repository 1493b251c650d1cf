"""Frames of a crop put back into the picture or clip that the crop was cut from.

One transform leads from the crop's px to the target's, whatever size the frames have by now: an
upscaled frame is sampled at the target's own resolution. Where a frame is finer than its place it
is averaged down first. Where the mask is 0 the target stays as it was, bit for bit.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass

import torch
import torch.nn.functional as F
from torch import Tensor

from ..checks import check_shape
from ..errors import InputError
from ..pictures import to_float
from ..types import Progress, VideoClip, no_progress

#: px of a target that are worked on at once, and frames at most
_BATCH_PIXELS, _MOST_FRAMES = 8 * 1024 * 1024, 8
_FINER = 1.05  #: frame px a target px from which on a frame is averaged down


@dataclass(frozen=True)
class Frames:
    """Pictures one after the other, of one size, that can be read again."""

    batches: Callable[[int], Iterator[Tensor]]  #: n -> (<= n, 3, h, w) float 0..1
    count: int
    height: int
    width: int
    name: str  #: for messages

    @staticmethod
    def of_clip(clip: VideoClip) -> Frames:
        """Decoded as they are asked for."""

        def batches(size: int) -> Iterator[Tensor]:
            return (to_float(batch) for batch in clip.batches(size))

        return Frames(batches, clip.frame_count, clip.height, clip.width, clip.name)

    @staticmethod
    def of_tensor(images: Tensor, name: str) -> Frames:
        """(t, 3, h, w) float 0..1."""
        sizes = check_shape(name, images, "t", 3, "h", "w")
        return Frames(lambda size: iter(images.split(size)), *sizes.values(), name)


@dataclass(frozen=True)
class Patch:
    """Where a frame lies in its target, and how much of it shows."""

    target_from_frame: Tensor  #: (3, 3) affine, px of a frame of ``size`` -> px of the target
    size: tuple[int, int]  #: (h, w) px that the matrix is about; frames may have any resolution
    mask: Tensor  #: (mh, mw) 0..1 over the frame, at any resolution; 0 is the target


def paste_back(
    frames: Frames,
    target: Frames,
    patch: Patch | Callable[[int], Patch],
    progress: Progress = no_progress,
) -> Iterator[Tensor]:
    """Yield the target with the frames in it, (n, 3, h, w) float 0..1 a few at a time.

    Args:
        target: as many frames, or one, which stays the same.
        patch: of every frame, or of the i-th, from 0; its ``size`` has the frames' shape.

    Raises InputError where the numbers of frames differ or a frame has not its patch's shape.
    """
    if target.count not in (1, frames.count):
        raise InputError(
            f"{target.name} has {target.count} frames, {frames.name} has {frames.count}: give the "
            "clip that was tracked, cut the same way, or one picture"
        )
    fixed = patch if isinstance(patch, Patch) else None
    check_frame_shape(frames, (fixed or patch(0)).size)
    size = max(1, min(_MOST_FRAMES, _BATCH_PIXELS // (target.height * target.width)))
    still = next(target.batches(1)) if target.count == 1 else None
    moving = None if still is not None else target.batches(size)
    done = 0
    for batch in frames.batches(size):
        progress("pasting", done, frames.count)
        under = still if moving is None else next(moving, None)
        if under is None or (moving is not None and len(under) < len(batch)):
            raise InputError(f"{target.name} breaks off after {done} frames of {frames.count}")
        if fixed is not None:
            yield paste(batch, under, fixed)
        else:
            each = under.expand(len(batch), -1, -1, -1)
            rows = zip(batch.split(1), each.split(1), strict=True)
            yield torch.cat([paste(f, t, patch(done + i)) for i, (f, t) in enumerate(rows)])
        done += len(batch)
    progress("pasting", frames.count, frames.count)


def check_frame_shape(frames: Frames, size: tuple[int, int]) -> None:
    """Raise InputError where frames have not the shape of a crop of (h, w) px, at any size."""
    wanted = frames.height * size[1] / size[0]
    if abs(frames.width - wanted) > max(2.0, 0.01 * wanted):
        raise InputError(
            f"{frames.name} are {frames.width}x{frames.height} px, which is not the shape of the "
            f"crop they should be of, {size[1]}x{size[0]}: frames may be enlarged or made smaller, "
            "never cropped or stretched"
        )


def paste(frames: Tensor, targets: Tensor, patch: Patch) -> Tensor:
    """Frames (n, 3, fh, fw) onto targets (n or 1, 3, h, w), both float 0..1 -> (n, 3, h, w)."""
    out = targets.expand(len(frames), -1, -1, -1).clone()
    rows, columns = window_of(patch, *targets.shape[-2:])
    if rows.start >= rows.stop or columns.start >= columns.stop:
        return out
    grid = _grid(patch, rows, columns)
    alpha = F.grid_sample(
        patch.mask[None, None].float(), grid, padding_mode="border", align_corners=False
    )
    alpha = alpha * (grid.abs() <= 1).all(-1)[:, None]
    laid = F.grid_sample(
        _as_fine(frames, patch), grid.expand(len(frames), -1, -1, -1), mode="bicubic",
        padding_mode="border", align_corners=False,
    ).clamp(0, 1)  # fmt: skip
    under = out[..., rows, columns]
    out[..., rows, columns] = torch.where(alpha > 0, under + alpha * (laid - under), under)
    return out


def window_of(patch: Patch, height: int, width: int) -> tuple[slice, slice]:
    """The rows and columns of a target that the patch can touch."""
    h, w = patch.size
    corners = torch.tensor([[x, y, 1.0] for x in (-0.5, w - 0.5) for y in (-0.5, h - 0.5)])
    at = (corners.double() @ patch.target_from_frame.double().T)[:, :2]
    low, high = at.amin(0).floor().int().tolist(), at.amax(0).ceil().int().tolist()
    rows = slice(max(low[1], 0), min(high[1] + 1, height))
    return rows, slice(max(low[0], 0), min(high[0] + 1, width))


def _grid(patch: Patch, rows: slice, columns: slice) -> Tensor:
    """(1, r, c, 2) where the target's pixels lie in the frame, -1..1 between its edges."""
    y = torch.arange(rows.start, rows.stop, dtype=torch.float64)
    x = torch.arange(columns.start, columns.stop, dtype=torch.float64)
    back = torch.linalg.inv(patch.target_from_frame.double())[:2]
    flat = x[None, :, None] * back[:, 0] + y[:, None, None] * back[:, 1] + back[:, 2]
    size = torch.tensor(patch.size[::-1], dtype=torch.float64)
    return ((2 * flat + 1) / size - 1)[None].float()


def _as_fine(frames: Tensor, patch: Patch) -> Tensor:
    """The frames, averaged down where they are finer than their place in the target."""
    placed = patch.target_from_frame[:2, :2].double().det().abs().sqrt().item()
    finer = frames.shape[-2] / patch.size[0] / max(placed, 1e-6)
    if finer <= _FINER:
        return frames
    size = [max(1, round(side / finer)) for side in frames.shape[-2:]]
    return F.interpolate(frames, size, mode="bicubic", antialias=True)
