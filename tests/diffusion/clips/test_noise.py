"""Noise, of its own for every frame or shared by windows."""

import pytest
import torch

from magicportrait_core.diffusion.clips.clip_layout import frames_to_clip
from magicportrait_core.diffusion.clips.noise import initial_noise, shared_noise
from magicportrait_core.errors import InputError


def test_noise_is_the_references():
    """One clip drawn by the CPU's generator."""
    torch.manual_seed(42)
    expected = torch.randn(1, 4, 5, 3, 2)
    assert frames_to_clip(initial_noise(5, 3, 2, seed=42)).equal(expected)
    assert not initial_noise(5, 3, 2, seed=43).equal(initial_noise(5, 3, 2, seed=42))


def test_windows_share_their_frames():
    """Windows a step apart have the same frames, and not in the same order."""
    noise = shared_noise(30, 3, 2, seed=1, length=12, step=4)
    first = noise[:12]
    assert first.equal(initial_noise(12, 3, 2, seed=1))
    place = [int((first == frame).all(-1).all(-1).all(-1).nonzero()) for frame in noise]
    for start in range(0, 19, 4):
        assert sorted(place[start : start + 12]) == list(range(12))
    assert place[12:24] != place[:12]
    for start in range(0, 12, 4):  # shuffled within each step
        assert set(place[12 + start : 16 + start]) == set(range(start, start + 4))


@pytest.mark.parametrize("frames", [1, 11, 12])
def test_one_window_has_noise_of_its_own(frames):
    shared = shared_noise(frames, 3, 2, seed=1, length=12, step=8)
    assert shared.equal(initial_noise(frames, 3, 2, seed=1))


def test_steps_are_no_longer_than_windows():
    with pytest.raises(InputError, match="step must be between 1 and 12"):
        shared_noise(30, 3, 2, seed=1, length=12, step=13)
