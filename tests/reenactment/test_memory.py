"""A long clip takes hardly more memory than a short one."""

import sys

import pytest

from tests.long_clip import run_apart

MOST_MB = 200


@pytest.mark.slow
@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="memory is read from /proc")
def test_ten_thousand_frames():
    short, long = run_apart(500), run_apart(10_000)
    assert (short["frames"], long["frames"]) == (500, 10_000)
    assert long["peak_mb"] - short["peak_mb"] < MOST_MB
