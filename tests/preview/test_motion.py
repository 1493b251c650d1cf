"""The user's say in the motion."""

import pytest
import torch

from magicportrait_core.errors import InputError
from magicportrait_core.preview.motion import FaceMotion, MotionSettings


def test_the_mode_is_one_of_three():
    with pytest.raises(InputError, match=r"mode must be one of relative, .*'halfway'"):
        MotionSettings(mode="halfway")


@pytest.mark.parametrize("gain", ["pose", "expression", "mouth", "eyes", "brows"])
@pytest.mark.parametrize("value", [-0.1, 2.1, float("nan")])
def test_gains_have_a_range(gain, value):
    with pytest.raises(InputError, match=f"gain {gain} must be between 0 and 2"):
        MotionSettings(**{gain: value})


def test_a_slice_is_a_motion_of_those_frames():
    whole = FaceMotion(
        torch.rand(5, 3, 3), torch.rand(5, 478, 3), torch.rand(5, 2, 7), torch.rand(5, 9),
        torch.rand(5, 2, 2),
    )  # fmt: skip
    part = whole[1:4]
    assert len(part) == 3
    for name in ("rotation", "offset", "lid_gap", "lip_gap", "gaze"):
        assert torch.equal(getattr(part, name), getattr(whole, name)[1:4])
