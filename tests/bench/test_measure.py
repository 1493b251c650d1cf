"""The clock runs and the yardstick is positive."""

import time

import pytest

from magicportrait_core.bench.measure import matmul_seconds, peak_mb, per_frame, summary


def test_cost_is_shared_out_over_the_frames():
    figures = per_frame(lambda: time.sleep(0.2), 10)
    assert figures["wall_ms_per_frame"] == pytest.approx(20, abs=10)
    assert figures["cpu_ms_per_frame"] < figures["wall_ms_per_frame"]
    assert figures["matmul_s"] > 0


def test_memory_is_in_megabytes():
    assert 50 < peak_mb() < 100_000


def test_the_yardstick_takes_the_fastest():
    assert 0 < matmul_seconds(size=64, repeats=3) < 1


def test_the_fastest_run_counts(monkeypatch, quick_yardstick):
    clock = {"cpu": 0.0, "wall": 0.0}
    costs = iter(((3.0, 5.0), (1.0, 2.0), (4.0, 4.0)))

    def work():
        cpu, wall = next(costs)
        clock["cpu"] += cpu
        clock["wall"] += wall

    monkeypatch.setattr(time, "process_time", lambda: clock["cpu"])
    monkeypatch.setattr(time, "perf_counter", lambda: clock["wall"])
    figures = per_frame(work, 10, repeats=3)
    assert (figures["cpu_ms_per_frame"], figures["wall_ms_per_frame"]) == (100, 200)
    assert next(costs, None) is None


def test_a_summary_is_the_defaults_with_ratios():
    fast, slow = ({"cpu_ms_per_frame": ms, "peak_mb": 1.0} for ms in (2.0, 5.0))
    found = summary({"fast": fast, "slow": slow})
    assert found["backend"] == "fast"
    assert found["cpu_ms_per_frame"] == 2.0
    assert found["ratio"] == {"slow": 2.5}
    assert found["backends"] == {"fast": fast, "slow": slow}
    assert summary({"fast": fast})["ratio"] == {}
