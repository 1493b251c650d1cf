"""Which frames the denoiser sees together, and how overlapping predictions are weighed.

Two presets. ``paper`` is the reference's: windows of 12 overlapping by 1, in a ring, so that the
last one wraps round to the first frames. ``smooth`` never shows a window frames that are not
neighbours: open windows of 12 overlapping by 4, the middle of a window counting most.
"""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor

from ..checks import check_choice, check_range
from ..errors import InputError

WEIGHTS = ("flat", "pyramid")


@dataclass(frozen=True)
class WindowSettings:
    """How a clip is cut into windows."""

    length: int = 12  #: frames
    overlap: int = 4  #: frames that neighbours share, at least
    closed: bool = False  #: whether the last window wraps round to the first frames
    weights: str = "pyramid"  #: one of WEIGHTS

    def __post_init__(self) -> None:
        check_range("window length", self.length, 1, 1 << 20)
        check_choice("window weights", self.weights, WEIGHTS)
        if not 0 <= self.overlap < self.length:
            raise InputError(
                f"windows of {self.length} frames overlap by 0 to {self.length - 1} frames, "
                f"got {self.overlap}"
            )


PRESETS = {
    "paper": WindowSettings(length=12, overlap=1, closed=True, weights="flat"),
    "smooth": WindowSettings(),
}


def window_preset(name: str) -> WindowSettings:
    """One of PRESETS."""
    check_choice("window preset", name, tuple(PRESETS))
    return PRESETS[name]


def context_windows(frames: int, settings: WindowSettings) -> list[tuple[int, ...]]:
    """The windows of a clip, in order: each the numbers of its frames.

    A clip no longer than a window is one window. Else every window has ``length`` frames, and no
    number comes twice in one.
    """
    check_range("frames", frames, 1, 1 << 40)
    length, step = settings.length, settings.length - settings.overlap
    if frames <= length:
        return [tuple(range(frames))]
    if settings.closed:
        return [tuple(i % frames for i in range(s, s + length)) for s in range(0, frames, step)]
    starts = [*range(0, frames - length, step), frames - length]
    return [tuple(range(start, start + length)) for start in starts]


def window_weights(length: int, kind: str) -> Tensor:
    """(length,) float32: what each frame's prediction counts in an average."""
    check_choice("window weights", kind, WEIGHTS)
    if kind == "flat":
        return torch.ones(length)
    place = torch.arange(length)
    return torch.minimum(place + 1, length - place).float()
