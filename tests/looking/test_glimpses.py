"""Frames in any order: the right ones, small, decoded once, and no more kept than said."""

from __future__ import annotations

import gc
from fractions import Fraction

import pytest
import torch

from magicportrait_core.errors import InputError
from magicportrait_core.looking import glimpses as module
from magicportrait_core.looking.glimpses import SIDE, Glimpses, jpeg_of, picture_of, shown_size
from magicportrait_core.looking.mesh_overlay import Window
from magicportrait_core.types import VideoClip

WHOLE = Window(0, 0, 96, 64)


class Counted(list):
    """Frames that remember which of them were handed out."""

    def __init__(self, frames):
        super().__init__(frames)
        self.read: list[int] = []

    def since(self, first: int):
        for i in range(first, len(self)):
            self.read.append(i)
            yield self[i]


@pytest.fixture
def clip() -> VideoClip:
    """40 frames, frame i of grey 40 + 4 i, its left half black."""
    images = (40 + 4 * torch.arange(40)).to(torch.uint8).reshape(40, 1, 1, 1)
    images = images.repeat(1, 3, 64, 96)
    images[..., :48] = 0
    made = VideoClip.from_tensor(images, Fraction(25))
    return VideoClip(Counted(made.source), 64, 96, made.fps, 40)


def grey(jpeg: bytes, part=slice(60, None)) -> int:
    return round((picture_of(jpeg)[..., part].float().mean().item() - 40) / 4)


def test_any_frame_is_the_clips_own(clip):
    frames = Glimpses(clip)
    for i in (39, 0, 17, 16, 15, 38):
        assert grey(frames.jpeg(i, WHOLE)) == i


def test_a_part_is_cut_out(clip):
    left = Glimpses(clip).jpeg(30, Window(0, 0, 40, 64))
    assert picture_of(left).shape == (3, 64, 40)
    assert picture_of(left).float().mean() < 2


def test_neighbours_are_decoded_once(clip):
    frames = Glimpses(clip)
    for i in (20, 21, 19, 18, 31):
        frames.jpeg(i, WHOLE)
    assert clip.source.read == list(range(16, 32))


def test_only_the_latest_runs_are_kept(clip, monkeypatch):
    monkeypatch.setattr(module, "_RUNS", 2)
    frames = Glimpses(clip)
    for i in (0, 16, 32, 0):
        frames.jpeg(i, WHOLE)
    assert len(frames._kept) == 2
    assert clip.source.read.count(0) == 2


def test_a_clip_in_memory_is_not_kept_there(clip):
    frames = Glimpses(clip)
    kept = frames.jpeg(3, WHOLE)
    del clip.source[:]
    made = VideoClip(list(clip.source), 64, 96, clip.fps, 40, None, "pictures")
    others = Glimpses(made)
    del made
    gc.collect()
    assert frames.jpeg(3, WHOLE) == kept
    with pytest.raises(InputError, match="pictures is no longer in memory: run the graph again"):
        others.jpeg(3, WHOLE)


def test_a_clip_that_breaks_off_is_named(clip):
    del clip.source[20:]
    with pytest.raises(InputError, match="clip breaks off before its frame 25"):
        Glimpses(clip).jpeg(25, WHOLE)


@pytest.mark.parametrize(
    ("window", "size"),
    [((1920, 1080), (288, SIDE)), ((300, 200), (200, 300)), ((64, 5000), (SIDE, 7))],
)
def test_pictures_are_reduced_never_enlarged(window, size):
    assert shown_size(Window(0, 0, *window)) == size


def test_a_jpeg_is_the_picture():
    picture = torch.full((3, 32, 48), 90, dtype=torch.uint8)
    assert (picture_of(jpeg_of(picture)).int() - 90).abs().max() <= 2
