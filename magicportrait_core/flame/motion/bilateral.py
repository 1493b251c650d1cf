"""A bilateral filter in time, for whatever has a way from one frame to another.

Frames count less the more the value differs from where its motion would have taken it, measured
in the track's own noise. Noise of a still head averages out, while a turn is followed and a blink
keeps its depth. https://doi.org/10.1109/ICCV.1998.710815 (Tomasi and Manduchi).
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import torch
from torch import Tensor

MOTION = 3.0  #: standard deviations of the noise that make one of a motion
REACH = 2.5  #: standard deviations in time, half the window

#: The way from some frames to others, (n, d): called with two slices of the same length.
Step = Callable[[slice, slice], Tensor]


@dataclass(frozen=True)
class Window:
    """Which frames count for one another."""

    valid: Tensor  #: (t,) bool: the others give no data
    shot: Tensor  #: (t,) numbers of the stretches without a cut
    sigma: float  #: frames, standard deviation in time

    def pairs(self, offset: int) -> tuple[slice, slice, Tensor]:
        """Early and late frames ``offset`` apart, and whether they are of one shot (n, 1)."""
        early, late = slice(0, len(self.valid) - offset), slice(offset, len(self.valid))
        return early, late, (self.shot[early] == self.shot[late])[:, None]


def mean_step(step: Step, window: Window, floor: Tensor, *, together: bool) -> Tensor:
    """The way from each frame to the weighted mean of those around it, (t, d).

    Args:
        step: the way from frame to frame; that back is its negative.
        floor: a number or (d,), differences up to which are noise even where the noise is less.
        together: the d components share their weights.
    """
    t, valid = len(window.valid), window.valid
    speed = velocity(step, window, together=together)
    total, weights = torch.zeros_like(speed), torch.ones_like(speed)
    scale = torch.maximum(floor.to(total), MOTION * noise(step, window))
    for offset in range(1, min(t, round(REACH * window.sigma) + 1)):
        early, late, same = window.pairs(offset)
        way = step(early, late) - offset * (speed[early] + speed[late]) / 2
        away = (way / scale).square()
        away = away.amax(-1, keepdim=True) if together else away
        weight = same * torch.exp(-0.5 * ((offset / window.sigma) ** 2 + away))
        ahead, back = weight * valid[late, None], weight * valid[early, None]
        total[early] += ahead * way
        weights[early] += ahead
        total[late] -= back * way
        weights[late] += back
    return total / weights


def velocity(step: Step, window: Window, *, together: bool) -> Tensor:
    """Way a frame at each frame, (t, d).

    The slope through the frames around, times the share of their ways that it explains: of noise
    and of a step that is little, and no motion is taken off them.
    """
    t = len(window.valid)
    along = torch.zeros_like(step(slice(0, t), slice(0, t)))
    squares, count = torch.zeros_like(along), torch.zeros_like(along)
    for offset in range(1, min(t, max(1, round(window.sigma)) + 1)):
        early, late, same = window.pairs(offset)
        known = same & window.valid[early, None] & window.valid[late, None]
        way = step(early, late) * known
        for frames in (early, late):
            along[frames] += offset * way
            squares[frames] += way.square()
            count[frames] += offset**2 * known
    slope = along / count.clamp(min=1)
    explained = slope.square() * count
    if together:
        explained, squares = explained.sum(1, keepdim=True), squares.sum(1, keepdim=True)
    return slope * (explained / squares.clamp(min=1e-20)).clamp(max=1)


def noise(step: Step, window: Window) -> Tensor:
    """(d,) standard deviation of the noise from frame to frame, 0 where nothing can be said.

    From fourth differences, in which motion all but vanishes; robust, by the median.
    """
    t = len(window.valid)
    way = step(slice(0, t - 1), slice(1, t))
    if t < 5:
        return way.new_zeros(way.shape[1])
    fourth = way[3:] - 3 * way[2:-1] + 3 * way[1:-2] - way[:-3]
    known = window.valid.unfold(0, 5, 1).all(-1) & (window.shot[4:] == window.shot[:-4])
    if not known.any():
        return way.new_zeros(way.shape[1])
    return fourth[known].abs().median(0).values * (1.4826 / 70**0.5)
