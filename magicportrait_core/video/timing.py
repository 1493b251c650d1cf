"""Which source frame is shown at each tick of a constant output rate. Pure arithmetic."""

from __future__ import annotations

import math
from bisect import bisect_right
from dataclasses import dataclass
from fractions import Fraction
from itertools import pairwise

from ..checks import check_number
from ..errors import InputError
from ..weights.advice import trimming

#: Rates in common use; a measured rate close to one of them is taken to be it.
STANDARD_RATES = tuple(
    Fraction(r)
    for r in (
        "24000/1001 24 25 30000/1001 30 48 50 60000/1001 60 8 10 12 15 20 90 100 120 240"
    ).split()
)
DEFAULT_RATE = Fraction(25)
_MS = Fraction(1, 1000)


@dataclass(frozen=True)
class Timeline:
    """When each source frame is shown, in seconds from the first one."""

    times: tuple[Fraction, ...]  #: ascending, one a frame
    end: Fraction  #: when the last frame stops being shown
    unit: Fraction  #: seconds of one step of the file's timestamps: what they are rounded to
    declared: tuple[Fraction, ...] = ()  #: rates that the file's header names, best first

    @property
    def rounding(self) -> Fraction:
        """Seconds by which a timestamp may lie beside the true time."""
        return min(self.unit, _MS)


@dataclass(frozen=True)
class Trim:
    """Which part of a source is wanted, and at which rate."""

    fps: Fraction | None = None  #: None: the source's own
    start: Fraction = Fraction(0)  #: seconds
    end: Fraction | None = None  #: seconds; None: to the end
    stride: int = 1  #: keep every nth frame and divide the rate by n
    max_frames: int | None = None  #: at most so many frames in the result
    skip_frames: int = 0  #: frames left out after ``start``, counted before the stride

    @staticmethod
    def checked(
        fps: Fraction | float | None,
        start: float,
        end: float | None,
        stride: int,
        max_frames: int | None,
        skip_frames: int,
    ) -> Trim:
        """Check the values a user gave; raise InputError in one sentence."""
        given = {"start": start, "end": end, "stride": stride, "max_frames": max_frames}
        for label, value in given.items():
            if value is not None:
                check_number(label, value)
        if not (math.isfinite(start) and start >= 0):
            raise InputError(f"start must be 0 s or later, got {float(start):g}")
        if end is not None and not end > start:
            raise InputError(f"end must be after start ({float(start):g} s), got {float(end):g}")
        for label, value, least in (
            ("stride", stride, 1),
            ("max_frames", max_frames, 1),
            ("skip_frames", skip_frames, 0),
        ):
            if value is not None and (value != int(value) or value < least):
                raise InputError(f"{label} must be a whole number of at least {least}, got {value}")
        end_s = None if end is None or math.isinf(end) else _seconds(end)
        rate = None if fps is None else as_rate(fps)
        return Trim(rate, _seconds(start), end_s, stride, max_frames, skip_frames)


@dataclass(frozen=True)
class Plan:
    """The source frame of every output frame."""

    indices: tuple[int, ...]  #: never falling; a frame shown twice is there twice
    fps: Fraction
    start: Fraction  #: seconds on the timeline at which the first output frame is shown


def as_rate(fps: Fraction | float) -> Fraction:
    """An exact rate: 29.97 means 30000/1001.

    >>> as_rate(23.976), as_rate(12.5)
    (Fraction(24000, 1001), Fraction(25, 2))
    """
    check_number("fps", fps)
    if not (math.isfinite(fps) and 0 < fps <= 1000):
        raise InputError(f"fps must be above 0 and at most 1000, got {fps}")
    if isinstance(fps, Fraction):
        return fps
    for whole in (24, 30, 48, 60, 120):
        if abs(fps - whole / 1.001) < 0.0005 * whole / 2.4:
            return Fraction(whole * 1000, 1001)
    return Fraction(fps).limit_denominator(1001)


def constant_rate(timeline: Timeline) -> Fraction | None:
    """The rate whose grid all frames lie on, or None where the rate varies.

    A tenth of a frame of jitter is allowed, as phones record it: taking such a clip by its
    timestamps would drop and repeat frames where every frame was meant to be shown once.
    """
    if len(timeline.times) < 2:
        return next(iter(timeline.declared), DEFAULT_RATE)
    average = (len(timeline.times) - 1) / (timeline.times[-1] - timeline.times[0])
    declared = [rate for rate in timeline.declared if rate.denominator <= 1001]
    standard = sorted(STANDARD_RATES, key=lambda rate: abs(rate - average))[:3]
    named, measured = (*declared, *standard), average.limit_denominator(1001)
    jitter = Fraction(1, 10) / average
    for rates, tolerance in (
        ((average,) if average.denominator <= 1001 else (), Fraction(0)),
        ((*named, measured), timeline.rounding),
        ((*standard, *declared, measured), max(timeline.rounding, jitter)),
    ):
        for rate in rates:
            if _fits(timeline.times, rate, tolerance):
                return rate
    return None


def usual_rate(timeline: Timeline) -> Fraction:
    """The rate for a clip that has no constant one.

    Where three quarters of the frames follow at one interval (a recording that dropped some) it is
    the rate of that interval; else frames over seconds. Both become the standard rate within 1 %
    of them, or are rounded to 0.01.
    """
    times = timeline.times
    gaps = sorted(b - a for a, b in pairwise(times))
    median = gaps[len(gaps) // 2]
    slack = max(timeline.rounding, median / 10)
    alike = sum(abs(gap - median) <= slack for gap in gaps)
    rate = 1 / median if alike * 4 >= len(gaps) * 3 else len(times) / (timeline.end - times[0])
    known = (*STANDARD_RATES, *(r for r in timeline.declared if r.denominator <= 1001))
    nearest = min(known, key=lambda standard: abs(standard - rate))
    if abs(nearest - rate) <= rate * max(Fraction(1, 100), timeline.rounding * rate):
        return nearest
    return max(Fraction(round(rate * 100), 100), Fraction(1, 100))


def plan_frames(timeline: Timeline, trim: Trim, name: str) -> Plan:
    """Choose the source frame of every output frame.

    At a source of constant rate that keeps its rate each frame is taken once. Else, for each
    tick of the new rate, the latest frame shown at that time.
    """
    times = timeline.times
    own = constant_rate(timeline)
    end = timeline.end if trim.end is None else min(trim.end, timeline.end)
    shift = timeline.rounding  # a timestamp rounded up is not later than its tick
    first = max(bisect_right(times, trim.start + shift) - 1, 0)
    if own is not None and trim.fps in (None, own):
        fps, start = own, times[first]
        indices = range(first, bisect_right(times, end - shift))
    else:
        fps = trim.fps or usual_rate(timeline)
        start = max(trim.start, times[0])
        count = max(math.ceil((end - start - shift) * fps), 0)
        ticks = (start + k / fps + shift for k in range(count))
        indices = [bisect_right(times, tick) - 1 for tick in ticks]
    skipped = indices[trim.skip_frames :: trim.stride][: trim.max_frames]
    if trim.start >= timeline.end or not skipped:
        raise InputError(
            f"No frame of {name} is left: it lasts {float(timeline.end):.2f} s and has "
            f"{len(times)} frames, and {trimming()} leave all of it out."
        )
    start += trim.skip_frames / fps
    return Plan(tuple(skipped), fps / trim.stride, start)


def _fits(times: tuple[Fraction, ...], rate: Fraction, tolerance: Fraction) -> bool:
    zero, step, tolerance = float(times[0]), float(1 / rate), float(tolerance) + 1e-9
    return all(abs(float(t) - zero - i * step) <= tolerance for i, t in enumerate(times))


def _seconds(value: float) -> Fraction:
    """0.3 is meant as 3/10, not as the float just below it."""
    return Fraction(value).limit_denominator(1_000_000)
