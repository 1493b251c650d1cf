"""A face posed by hand."""

import pytest
import torch

from magicportrait_core.errors import InputError
from magicportrait_core.preview.regions import LID_PAIRS, gaps
from magicportrait_core.preview.rotation import to_euler
from magicportrait_core.preview.sliders import SLIDER_RANGES, FaceSliders, slider_motion
from magicportrait_core.topology import LEFT_BROW, MOUTH_LEFT, MOUTH_RIGHT, RIGHT_BROW


@pytest.mark.parametrize("name", SLIDER_RANGES)
def test_ranges(name):
    low, high = SLIDER_RANGES[name]
    for value in (low, high):
        FaceSliders(**{name: value})
    for value in (low - 0.1, high + 0.1, float("nan")):
        with pytest.raises(InputError, match=f"{name} must be between"):
            FaceSliders(**{name: value})


def test_all_0_is_rest(actor):
    motion = slider_motion(actor, [FaceSliders()])
    torch.testing.assert_close(motion.rotation, torch.eye(3)[None])
    assert motion.offset.abs().max() < 1e-6
    assert motion.gaze.abs().max() == 0
    torch.testing.assert_close(motion.lid_gap[0, 0], gaps(actor.shape, LID_PAIRS[0]))


def test_angles(actor):
    yaw, pitch, roll = to_euler(slider_motion(actor, [FaceSliders(20, -10, 15)]).rotation)
    assert float(yaw) == pytest.approx(20 * actor.flatness, abs=1e-3)
    assert float(pitch) == pytest.approx(-10, abs=1e-3)
    assert float(roll) == pytest.approx(15, abs=1e-3)


def test_each_pose_is_a_frame(actor):
    motion = slider_motion(actor, [FaceSliders(blink=b) for b in (0, 0.5, 1)])
    assert len(motion) == 3
    torch.testing.assert_close(motion.lid_gap[1], motion.lid_gap[0] / 2)
    assert motion.lid_gap[2].abs().max() == 0


def test_a_smile_lifts_and_widens_the_mouth(actor):
    smile, frown = slider_motion(actor, [FaceSliders(smile=1), FaceSliders(smile=-1)]).offset
    right, left = smile[MOUTH_RIGHT], smile[MOUTH_LEFT]
    assert right[0] < -0.03
    assert left[0] > 0.03
    assert right[1] < -0.03
    assert left[1] < -0.03
    assert frown[[MOUTH_RIGHT, MOUTH_LEFT], 1].min() > 0.02
    assert smile[[159, 386, 10]].abs().max() < 0.01


def test_brows_go_up_and_down(actor):
    up, down = slider_motion(actor, [FaceSliders(brows=1), FaceSliders(brows=-1)]).offset
    brows = list(RIGHT_BROW + LEFT_BROW)
    assert up[brows, 1].mean() < -0.05
    torch.testing.assert_close(down, -up)


def test_the_mouth_opens_evenly(actor):
    steps = [FaceSliders(mouth=m / 10) for m in range(11)]
    opening = slider_motion(actor, steps).lip_gap[:, 4]
    assert (opening.diff() > 0).all()
    assert opening[-1] - opening[0] > 0.15
