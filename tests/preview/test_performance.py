"""What is read from a driver, and which of its frames is taken for rest."""

import numpy as np
import pytest
import torch

from magicportrait_core.errors import InputError
from magicportrait_core.preview.canonical import head_frame
from magicportrait_core.preview.performance import choose_neutral, gaze_of, read_performance
from magicportrait_core.preview.rotation import to_euler
from magicportrait_core.preview.sliders import FaceSliders
from magicportrait_core.topology import LEFT_IRIS, RIGHT_IRIS

#: Frame 5 is at rest, frame 2 nearly so.
POSES = [
    FaceSliders(yaw=15, mouth=0.5),
    FaceSliders(blink=1),
    FaceSliders(yaw=1),
    FaceSliders(mouth=0.6),
    FaceSliders(yaw=-12),
    FaceSliders(),
    FaceSliders(brows=1, roll=4),
    FaceSliders(roll=-10),
    FaceSliders(blink=0.7, yaw=-8),
]


@pytest.fixture(scope="module")
def acted(act):
    return act(POSES)


def test_the_frame_at_rest_is_chosen(act):
    """Each pose held for half a second."""
    held = act([pose for pose in POSES for _ in range(12)])
    assert read_performance(held).neutral // 12 == 5


def test_an_invalid_frame_is_never_chosen(acted):
    pose, shape = head_frame(acted.landmarks)
    valid = torch.ones(len(POSES), dtype=torch.bool)
    order = []
    while valid.any():
        order.append(choose_neutral(pose.rotation, shape, valid))
        assert valid[order[-1]]
        valid[order[-1]] = False
    assert order[:2] == [5, 2]


def test_a_given_frame_is_taken(acted):
    assert read_performance(acted, 3).neutral == 3
    for wrong in (-1, len(POSES)):
        with pytest.raises(InputError, match=f"neutral_frame must be 0 to 8, got {wrong}"):
            read_performance(acted, wrong)


def test_a_slow_act_is_read_as_it_was(act):
    """Two seconds a cycle: filters over time hardly touch it."""
    wave = np.sin(np.arange(96) / 48 * 2 * np.pi)
    seen = read_performance(
        act(
            [FaceSliders(yaw=12 * w, pitch=-8 * w, mouth=max(w, 0), blink=max(-w, 0)) for w in wave]
        )
    )
    yaw, pitch, roll = to_euler(seen.rotation)
    curves = {
        "yaw": (yaw, wave), "pitch": (-pitch, wave), "lips": (seen.lips[:, 4], wave.clip(0)),
        "lids": (-seen.lids[:, 0, 3], (-wave).clip(0)),
    }  # fmt: skip
    for name, (found, acted) in curves.items():
        assert np.corrcoef(found, acted)[0, 1] > 0.98, name
    assert float(yaw.max() - yaw.min()) == pytest.approx(24, abs=2.5)
    assert roll.abs().max() < 1.5
    assert seen.lids[:, 0, 3].min() < 0.1 * seen.lids[:, 0, 3].max()


def test_lips_and_gaze_do_not_follow_the_pose(act):
    still = read_performance(act([FaceSliders()]), 0)
    for turned in (FaceSliders(yaw=20), FaceSliders(roll=20), FaceSliders(pitch=12)):
        seen = read_performance(act([turned]), 0)
        torch.testing.assert_close(seen.lips, still.lips, atol=0.01, rtol=0)
        torch.testing.assert_close(seen.gaze, still.gaze, atol=0.01, rtol=0)


def test_gaze_is_the_shift_of_the_iris(act):
    shape = head_frame(act([FaceSliders()]).landmarks)[1]
    moved = shape.clone()
    moved[:, list(RIGHT_IRIS + LEFT_IRIS), 0] += 0.03
    change = gaze_of(moved) - gaze_of(shape)
    torch.testing.assert_close(change, torch.tensor([0.03, 0]).expand(1, 2, 2))
