from fractions import Fraction as F

import pytest

from magicportrait_core.errors import InputError
from magicportrait_core.video.timing import (
    Timeline,
    Trim,
    as_rate,
    constant_rate,
    plan_frames,
    usual_rate,
)


def grid(rate, count, unit=F(1, 90000)):
    """Frames of a constant rate with timestamps rounded to ``unit``."""
    times = tuple(round(i / F(rate) / unit) * unit for i in range(count))
    return Timeline(times, times[-1] + 1 / F(rate), unit)


def plan(timeline, **options):
    given = {"fps": None, "start": 0.0, "end": None, "stride": 1, "max_frames": None}
    trim = Trim.checked(**(given | {"skip_frames": 0} | options))
    return plan_frames(timeline, trim, "clip")


@pytest.mark.parametrize("rate", ["24000/1001", "24", "25", "30000/1001", "60", "240", "25/2"])
@pytest.mark.parametrize("unit", [F(1, 90000), F(1, 1000)])
def test_rounded_timestamps_still_show_the_constant_rate(rate, unit):
    timeline = grid(F(rate), 300, unit)
    assert constant_rate(timeline) == F(rate)
    assert plan(timeline).indices == tuple(range(300))


def test_jitter_of_a_phone_neither_drops_nor_repeats():
    times = tuple(F(i, 30) + F((-1) ** i * (i % 3), 1000) for i in range(90))
    result = plan(Timeline(times, times[-1] + F(1, 30), F(1, 90000)))
    assert result.fps == 30
    assert result.indices == tuple(range(90))


def test_varying_rate_takes_the_latest_frame_shown_at_each_tick():
    #          0    1    2                   3              4
    times = (F(0), F(1, 10), F(2, 10), F(5, 10), F(8, 10))
    timeline = Timeline(times, F(9, 10), F(1, 1000))
    assert constant_rate(timeline) is None
    assert plan(timeline, fps=10).indices == (0, 1, 2, 2, 2, 3, 3, 3, 4)
    assert plan(timeline, fps=20).indices == (0, 0, 1, 1, 2, 2, 2, 2, 2, 2, 3, 3, 3, 3, 3, 3, 4, 4)
    assert plan(timeline, fps=5).indices == (0, 2, 2, 3, 4)


def test_rate_of_a_recording_that_dropped_frames():
    times = tuple(F(i, 30) for i in range(100) if i not in (5, 20, 21, 60))
    timeline = Timeline(times, F(100, 30), F(1, 90000))
    assert usual_rate(timeline) == 30
    indices = plan(timeline).indices
    assert len(indices) == 100
    assert indices[:8] == (0, 1, 2, 3, 4, 4, 5, 6)


def test_average_rate_where_no_interval_rules():
    times = tuple(F(i * (i + 1), 100) for i in range(12))
    assert usual_rate(Timeline(times, F(14, 10), F(1, 1000))) == F(857, 100)


def test_resampling_a_constant_rate():
    assert plan(grid(24, 8), fps=12).indices == (0, 2, 4, 6)
    assert plan(grid(24, 4), fps=48).indices == (0, 0, 1, 1, 2, 2, 3, 3)
    up = plan(grid(24, 220), fps=30)
    assert len(up.indices) == 275
    assert all(i == int(F(k, 30) * 24) for k, i in enumerate(up.indices))


@pytest.mark.parametrize("unit", [F(1, 12800), F(1, 1000)])
def test_start_and_end_are_half_open(unit):
    timeline = grid(25, 50, unit)
    cut = plan(timeline, start=0.4, end=1.2)
    assert cut.indices == tuple(range(10, 30))
    assert cut.start == F(4, 10)
    assert plan(timeline, end=0.3 + 1e-9).indices == tuple(range(8))


def test_stride_divides_the_rate_and_max_frames_counts_last():
    result = plan(grid(30, 60), stride=4, skip_frames=2, max_frames=5)
    assert result.indices == (2, 6, 10, 14, 18)
    assert result.fps == F(15, 2)
    assert result.start == F(2, 30)


def test_one_frame():
    timeline = Timeline((F(0),), F(1, 25), F(1, 1000))
    assert plan(timeline).indices == (0,)
    assert plan(timeline).fps == 25


@pytest.mark.parametrize(
    ("given", "exact"),
    [(29.97, "30000/1001"), (23.976, "24000/1001"), (23.98, "24000/1001"), (59.94, "60000/1001")]
    + [(24, "24"), (24.0, "24"), (30.0, "30"), (12.5, "25/2"), (F(100, 7), "100/7")],
)
def test_exact_rates(given, exact):
    assert as_rate(given) == F(exact)


@pytest.mark.parametrize(
    ("options", "says"),
    [
        ({"start": -1.0}, "start must be 0 s or later, got -1"),
        ({"start": float("nan")}, "start must be"),
        ({"start": 2.0, "end": 2.0}, "end must be after start"),
        ({"end": float("nan")}, "end must be after start"),
        ({"stride": 0}, "stride must be a whole number of at least 1, got 0"),
        ({"stride": 1.5}, "stride must be"),
        ({"max_frames": 0}, "max_frames must be"),
        ({"skip_frames": -1}, "skip_frames must be"),
        ({"fps": 0}, "fps must be above 0"),
        ({"fps": float("nan")}, "fps must be above 0"),
        ({"start": 2.5}, "No frame of clip is left: it lasts 2.00 s and has 50 frames, and start,"),
        ({"skip_frames": 50}, "No frame of clip is left"),
    ],
)
def test_unusable_options(options, says):
    with pytest.raises(InputError, match=says):
        plan(grid(25, 50), **options)
