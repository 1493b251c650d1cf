"""Pictures in memory cut as a file would be."""

from __future__ import annotations

import importlib
from fractions import Fraction

import pytest
import torch

WHOLE = {"fps": None, "stride": 1, "max_frames": None, "skip_frames": 0}


@pytest.fixture
def shown(pack):
    """Which of 12 frames, and at which rate, a cut of a clip at 24 per second shows."""
    module = importlib.import_module(f"{pack.__name__}.nodes.media.frames_clip")
    images = (torch.arange(12) / 255).reshape(12, 1, 1, 1).expand(12, 4, 6, 3)

    def cut(**changes):
        clip = module.frames_clip(images, 24.0, **(WHOLE | changes))
        assert (clip.height, clip.width) == (4, 6)
        frames = [int(frame.image[0, 0, 0]) for frame in clip]
        assert len(frames) == clip.frame_count
        return frames, clip.fps

    return cut


def test_whole(shown):
    assert shown() == (list(range(12)), 24)


def test_skip_then_thin_then_cap(shown):
    assert shown(skip_frames=1, stride=3, max_frames=3) == ([1, 4, 7], 8)


def test_half_and_double_rate(shown):
    assert shown(fps=12) == ([0, 2, 4, 6, 8, 10], 12)
    assert shown(fps=48)[0][:6] == [0, 0, 1, 1, 2, 2]


def test_broadcast_rate(pack):
    module = importlib.import_module(f"{pack.__name__}.nodes.media.frames_clip")
    clip = module.frames_clip(torch.zeros(2, 4, 6, 3), 29.97, **WHOLE)
    assert clip.fps == Fraction(30000, 1001)


def test_nothing_left(shown):
    with pytest.raises(
        ValueError,
        match=r"No frame of the frames input is left: .* and has 12 frames, and skip_first_frames",
    ):
        shown(skip_frames=12)
