"""How long the diffusion engine will still take, said once: bars are drawn on a terminal only."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import TYPE_CHECKING

from .console import say

if TYPE_CHECKING:
    from ..types import Progress

_STAGE = "denoising"
_WORTH = 60  #: seconds that are left, below which nothing is said


class TimeLeft:
    """A progress callback that says, after the first window that was computed, what is left."""

    def __init__(self, progress: Progress, clock: Callable[[], float] = time.monotonic) -> None:
        self._progress, self._clock = progress, clock
        self._last: tuple[float, int] | None = None  #: when, and how many windows were done
        self._said = False

    def __call__(self, stage: str, done: int, total: int) -> None:
        self._progress(stage, done, total)
        if stage != _STAGE or self._said:
            return
        now, before = self._clock(), self._last
        self._last = now, done
        if before is None or done <= before[1]:
            return
        each = (now - before[0]) / (done - before[1])  # of windows that were kept: next to nothing
        left = each * (total - done)
        if left >= _WORTH:
            self._said = True
            say(
                f"A window takes {time_text(each)}, {total - done} are to come: about "
                f"{time_text(left)} left."
            )


def time_text(seconds: float) -> str:
    """A time as people say it: 8 s, 12 min, 3 h 20 min."""
    if seconds < 59.5:
        return f"{seconds:.0f} s" if seconds >= 9.5 else f"{seconds:.1f} s"
    minutes = round(seconds / 60)
    if minutes < 60:
        return f"{minutes} min"
    return f"{minutes // 60} h {minutes % 60} min" if minutes < 48 * 60 else f"{minutes // 60} h"
