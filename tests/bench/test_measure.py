"""The clock runs and the yardstick is positive."""

import time

import pytest

from magicportrait_core.bench.measure import matmul_seconds, peak_mb, per_frame


def test_cost_is_shared_out_over_the_frames():
    figures = per_frame(lambda: time.sleep(0.2), 10)
    assert figures["wall_ms_per_frame"] == pytest.approx(20, abs=10)
    assert figures["cpu_ms_per_frame"] < figures["wall_ms_per_frame"]
    assert figures["matmul_s"] > 0


def test_memory_is_in_megabytes():
    assert 50 < peak_mb() < 100_000


def test_the_yardstick_takes_the_fastest():
    assert 0 < matmul_seconds(size=64, repeats=3) < 1
