from fractions import Fraction

import pytest
import torch

from magicportrait_core.errors import InputError
from magicportrait_core.flame.trackers import TRACKERS, Tracker
from magicportrait_core.flame.trackers.tracker import check_finite, numbered_frames
from magicportrait_core.types import FaceTrack, VideoClip


@pytest.mark.parametrize("name", TRACKERS)
def test_every_tracker_fulfils_the_contract(name):
    made = TRACKERS[name]
    assert issubclass(made, Tracker)
    assert made.name == name
    assert not made.__abstractmethods__


def faces(t: int) -> FaceTrack:
    seen = torch.ones(t, dtype=torch.bool)
    return FaceTrack(
        torch.zeros(t, 4), torch.zeros(t, 478, 3), torch.ones(t), seen, (6, 8), Fraction(25)
    )


def test_frames_come_with_their_numbers_and_progress():
    images = torch.arange(3, dtype=torch.uint8)[:, None, None, None].expand(3, 3, 6, 8)
    clip, seen = VideoClip.from_tensor(images, Fraction(25)), []
    frames = list(numbered_frames(clip, faces(3), "fitting", lambda *step: seen.append(step)))
    assert [(number, int(image[0, 0, 0])) for number, image in frames] == [(0, 0), (1, 1), (2, 2)]
    assert seen == [("fitting", 0, 3), ("fitting", 1, 3), ("fitting", 2, 3), ("fitting", 3, 3)]


def test_a_clip_that_ends_early_is_an_error():
    clip = VideoClip.from_tensor(torch.zeros(2, 3, 6, 8, dtype=torch.uint8), Fraction(25))
    with pytest.raises(InputError, match="the face track has 3 frames, images has 2"):
        list(numbered_frames(clip, faces(3), "fitting", lambda *_: None))


def test_values_that_are_no_numbers_are_an_error():
    check_finite("DECA", torch.ones(3))
    with pytest.raises(InputError, match="DECA gave values that are no numbers"):
        check_finite("DECA", torch.tensor([1.0, float("inf")]))
