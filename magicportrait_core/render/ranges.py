"""Which z are depth 1 and 0: per frame as in the reference, steadied, or one pair for the clip."""

from __future__ import annotations

import math

import torch
from scipy.ndimage import gaussian_filter1d
from torch import Tensor

from ..types import MeshSequence, Progress

#: How far steadied depths may be from parity's, of the full range: the model never saw others.
TOLERANCE = 0.05
#: Standard deviations in seconds, wide to narrow: each rounds off what the tolerance cut before.
_SECONDS = (0.24, 0.12, 0.06)
_CHUNK = 16  #: frames posed at once


def ranges_of(screen: Tensor) -> Tensor:
    """(n, v, 3) -> (n, 2): the nearest and the farthest z of each frame, hidden vertices too."""
    return torch.stack([screen[..., 2].amin(1), screen[..., 2].amax(1)], 1)


def clip_ranges(meshes: MeshSequence, height: int, width: int, progress: Progress) -> Tensor:
    """:func:`ranges_of` every frame of a clip, (t, 2) on the CPU: poses all of them once."""
    total = len(meshes)
    parts = []
    for start in range(0, total, _CHUNK):
        frames = range(start, min(start + _CHUNK, total))
        parts.append(ranges_of(meshes.meshes(frames, height, width).screen).cpu())
        progress("measuring depths", frames.stop, total)
    return torch.cat(parts)


def steady_ranges(ranges: Tensor, fps: float) -> Tensor:
    """The ranges (t, 2) smoothed over time without delay, no depth changed by more than TOLERANCE.

    Depth is 1-(z-near)/(far-near), so it is off the most at one of the ends. Moving both ends by up
    to a share m of the range R leaves a range of at least R(1-2m), in which m R is TOLERANCE for
    m = TOLERANCE / (1 + 2 TOLERANCE).
    """
    exact = ranges.double()
    reach = TOLERANCE / (1 + 2 * TOLERANCE) * (exact[:, 1:] - exact[:, :1])
    steady = exact
    for seconds in _SECONDS:
        smooth = _gaussian(steady, seconds * fps)
        steady = torch.minimum(torch.maximum(smooth, exact - reach), exact + reach)
    return steady.to(ranges.dtype)


def whole_range(ranges: Tensor) -> Tensor:
    """(t, 2) -> (t, 2): the nearest and the farthest of the clip, in every frame."""
    return torch.stack([ranges[:, 0].min(), ranges[:, 1].max()]).expand(len(ranges), 2)


def _gaussian(values: Tensor, sigma: float) -> Tensor:
    """(t, d) Gaussian means; beyond the ends motion goes on as its mirror image through them."""
    pad = min(len(values) - 1, math.ceil(4 * sigma))
    if pad == 0:
        return values
    before = 2 * values[:1] - values[1 : pad + 1].flip(0)
    after = 2 * values[-1:] - values[len(values) - 1 - pad : -1].flip(0)
    padded = torch.cat([before, values, after]).numpy()
    smooth = gaussian_filter1d(padded, sigma, axis=0, mode="nearest")
    return torch.from_numpy(smooth[pad : pad + len(values)])
