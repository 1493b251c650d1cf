"""Windows of clips of 1 to 60 frames."""

from itertools import pairwise

import pytest
import torch

from magicportrait_core.diffusion.context_windows import (
    PRESETS,
    WindowSettings,
    context_windows,
    window_preset,
    window_weights,
)
from magicportrait_core.errors import InputError

OPEN = [
    PRESETS["smooth"],
    WindowSettings(12, 0),
    WindowSettings(12, 11),
    WindowSettings(5, 2),
    WindowSettings(1, 0),
]


@pytest.mark.parametrize("frames", range(1, 61))
@pytest.mark.parametrize("settings", [*OPEN, PRESETS["paper"]])
def test_every_frame_is_covered_and_none_twice_in_a_window(frames, settings):
    windows = context_windows(frames, settings)
    assert {i for window in windows for i in window} == set(range(frames))
    assert all(len(set(window)) == len(window) for window in windows)
    assert {len(window) for window in windows} == {min(frames, settings.length)}


@pytest.mark.parametrize("frames", range(1, 61))
@pytest.mark.parametrize("settings", OPEN)
def test_open_windows_do_not_wrap(frames, settings):
    """Neighbours in time, later and later, sharing at least the overlap; the end is the last."""
    windows = context_windows(frames, settings)
    for window in windows:
        assert list(window) == list(range(window[0], window[-1] + 1))
    for before, after in pairwise(windows):
        assert before[0] < after[0]
        assert len(set(before) & set(after)) >= settings.overlap
    assert windows[-1][-1] == frames - 1


def test_smooth_by_hand():
    starts = [window[0] for window in context_windows(30, window_preset("smooth"))]
    assert starts == [0, 8, 16, 18]
    assert [window[0] for window in context_windows(28, window_preset("smooth"))] == [0, 8, 16]


def reference_windows(frames: int) -> list[list[int]]:
    """What the reference's scheduler gives for 12 frames, overlap 1, stride 1, step 0."""
    if frames <= 12:
        return [list(range(frames))]
    return [[e % frames for e in range(j, j + 12)] for j in range(0, frames, 11)]


@pytest.mark.parametrize("frames", range(1, 61))
def test_paper_is_the_references(frames):
    windows = context_windows(frames, window_preset("paper"))
    assert [list(window) for window in windows] == reference_windows(frames)


@pytest.mark.parametrize(
    ("frames", "last"),
    [
        (13, (11, 12, *range(10))),
        (20, (*range(11, 20), 0, 1, 2)),
        (24, (22, 23, *range(10))),
    ],
)
def test_paper_wraps(frames, last):
    assert context_windows(frames, window_preset("paper"))[-1] == last


def test_weights():
    assert window_weights(6, "pyramid").tolist() == [1, 2, 3, 3, 2, 1]
    assert window_weights(5, "pyramid").tolist() == [1, 2, 3, 2, 1]
    assert window_weights(3, "flat").tolist() == [1, 1, 1]
    for length in range(1, 33):
        assert window_weights(length, "pyramid").min() == 1


def test_weights_are_comfyuis():
    """Its pyramid: up to the half and down again."""
    for length in range(1, 33):
        half = length // 2
        up = list(range(1, half + 1))
        middle = [half + 1] if length % 2 else []
        assert window_weights(length, "pyramid").equal(torch.tensor(up + middle + up[::-1]).float())


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: WindowSettings(12, 12), "overlap by 0 to 11"),
        (lambda: WindowSettings(12, -1), "overlap by 0 to 11"),
        (lambda: WindowSettings(0, 0), "window length"),
        (lambda: WindowSettings(weights="round"), "window weights"),
        (lambda: window_preset("soft"), "paper, smooth"),
        (lambda: context_windows(0, WindowSettings()), "frames must be"),
    ],
)
def test_impossible_windows_are_named(make, message):
    with pytest.raises(InputError, match=message):
        make()
