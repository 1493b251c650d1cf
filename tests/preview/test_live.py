"""One frame at a time, as the clip would have it."""

import pytest
import torch
import torch.nn.functional as F

from magicportrait_core.errors import InputError
from magicportrait_core.pictures import to_uint8
from magicportrait_core.preview import (
    FaceSliders,
    LiveReenactment,
    MotionSettings,
    reenact_frames,
)
from magicportrait_core.preview.live import SIDE


@pytest.fixture(scope="module")
def driver(act):
    return act([FaceSliders(yaw=2 * i, mouth=i / 8) for i in range(8)])


def test_a_frame_is_the_clips_own(shipped, driver):
    live = LiveReenactment(shipped.picture, shipped.track, driver)
    for settings in (MotionSettings(), MotionSettings(pose=0.3, mirror=True)):
        whole = torch.cat(list(reenact_frames(shipped.picture, shipped.track, driver, settings)))
        for i in (7, 2):
            assert (live.frame(i, settings) - whole[i]).abs().max() < 1e-5


def test_a_large_portrait_is_shown_small(shipped, as_portrait, driver):
    large = F.interpolate(shipped.picture[None], (1200, 1200), mode="bicubic", antialias=True)[0]
    portrait = as_portrait(to_uint8(large.clamp(0, 1)))
    settings = MotionSettings()
    shown = LiveReenactment(portrait.picture, portrait.track, driver).frame(6, settings)
    assert shown.shape == (3, SIDE, SIDE)
    whole = list(reenact_frames(portrait.picture, portrait.track, driver, settings))
    expected = F.interpolate(torch.cat(whole)[6:7], (SIDE, SIDE), mode="bicubic", antialias=True)[0]
    still = F.interpolate(portrait.picture[None], (SIDE, SIDE), mode="bicubic", antialias=True)[0]
    moved, error = ((shown - other).abs().mean() for other in (still, expected))
    assert error < 0.3 * moved


def test_a_frame_that_is_not_there(shipped, driver):
    with pytest.raises(InputError, match="frame must be 0 to 7, got 8"):
        LiveReenactment(shipped.picture, shipped.track, driver).frame(8, MotionSettings())
