"""Ctrl-C: exit code 130, one line, no half file."""

import signal
import sys
import time
from fractions import Fraction

import pytest

from magicportrait_core.demo import demo_portrait_path
from magicportrait_core.faces.networks import load_networks
from magicportrait_core.faces.tracker import track_image
from magicportrait_core.tracks import save_track
from magicportrait_core.types import FaceTrack
from magicportrait_core.video import open_image


def _long_track(path, frames=3000):
    """A face that holds still for two minutes."""
    one = track_image(open_image(demo_portrait_path()), load_networks())
    parts = (getattr(one, name) for name in ("boxes", "landmarks", "scores", "valid"))
    tensors = [part.repeat(frames, *[1] * (part.ndim - 1)) for part in parts]
    save_track(path, FaceTrack(*tensors, one.frame_size, Fraction(25)))


@pytest.mark.skipif(sys.platform == "win32", reason="Windows sends Ctrl-C to whole consoles only")
def test_interrupt_leaves_no_half_file(start, tmp_path):
    _long_track(tmp_path / "a.safetensors")
    words = ["reenact", demo_portrait_path(), "a.safetensors", "-o", "out.mp4"]
    process = start(*words, folder=tmp_path)
    deadline = time.monotonic() + 100
    while not list(tmp_path.glob(".out.mp4.*.part")):  # drawing has begun
        assert process.poll() is None, process.communicate()
        assert time.monotonic() < deadline
        time.sleep(0.02)
    process.send_signal(signal.SIGINT)
    out, err = process.communicate(timeout=60)
    assert process.returncode == 130, err
    assert err == "Stopped: no half-written file is left.\n"
    assert out == ""
    assert [path.name for path in tmp_path.iterdir()] == ["a.safetensors"]
