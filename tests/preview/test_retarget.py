"""A driver's motion on another head."""

from dataclasses import replace

import numpy as np
import pytest
import torch

from magicportrait_core.preview.motion import MODES, MotionSettings
from magicportrait_core.preview.regions import LID_PAIRS, LIP_PAIRS, gaps
from magicportrait_core.preview.retarget import mirror_track, retarget
from magicportrait_core.preview.rotation import to_euler
from magicportrait_core.preview.sliders import FaceSliders
from magicportrait_core.topology import LEFT_BROW, RIGHT_BROW

WAVE = np.sin(np.arange(72) / 48 * 2 * np.pi)
NEUTRAL = 0


@pytest.fixture(scope="module")
def driver(act):
    """At rest in frame 0; a sway of the head with mouth and lids, raised brows to the left."""
    return act(
        [
            FaceSliders(yaw=12 * w, roll=-6 * w, mouth=max(w, 0), blink=max(-w, 0), brows=max(w, 0))
            for w in WAVE
        ]
    )


def settings(**given):
    return MotionSettings(neutral_frame=NEUTRAL, **given)


@pytest.fixture
def own_gaps(shipped):
    shape = shipped.head.shape
    return torch.stack([gaps(shape, pairs) for pairs in LID_PAIRS]), gaps(shape, LIP_PAIRS)


def assert_rests(motion, frames, own_gaps):
    lids, lips = own_gaps
    turn = torch.eye(3).expand_as(motion.rotation[frames])
    torch.testing.assert_close(motion.rotation[frames], turn, atol=1e-4, rtol=0)
    assert motion.offset[frames].abs().max() < 1e-6
    assert motion.gaze[frames].abs().max() < 1e-6
    torch.testing.assert_close(
        motion.lid_gap[frames],
        lids.clamp(min=0).expand_as(motion.lid_gap[frames]),
        atol=1e-6,
        rtol=0,
    )
    torch.testing.assert_close(
        motion.lip_gap[frames],
        lips.clamp(min=0).expand_as(motion.lip_gap[frames]),
        atol=1e-6,
        rtol=0,
    )


def test_the_neutral_frame_is_rest(shipped, driver, own_gaps):
    motion = retarget(shipped.head, driver, settings())
    assert_rests(motion, slice(NEUTRAL, NEUTRAL + 1), own_gaps)


@pytest.mark.parametrize("mode", MODES)
def test_gains_of_nothing_are_rest(shipped, driver, own_gaps, mode):
    motion = retarget(shipped.head, driver, settings(pose=0, expression=0, mode=mode))
    assert_rests(motion, slice(None), own_gaps)


def test_the_portrait_follows(shipped, driver):
    motion = retarget(shipped.head, driver, settings())
    yaw, _, roll = to_euler(motion.rotation)
    brows = -motion.offset[:, list(RIGHT_BROW + LEFT_BROW), 1].mean(1)
    for name, found, acted in (
        ("yaw", yaw, WAVE), ("roll", -roll, WAVE), ("mouth", motion.lip_gap[:, 4], WAVE.clip(0)),
        ("lids", motion.lid_gap[:, 0, 3], WAVE.clip(None, 0)), ("brows", brows, WAVE.clip(0)),
    ):  # fmt: skip
        assert np.corrcoef(found, acted)[0, 1] > 0.95, name


@pytest.mark.parametrize(
    ("gain", "moved"),
    [("pose", "rotation"), ("mouth", "lip_gap"), ("eyes", "lid_gap"), ("eyes", "gaze")],
)
def test_a_gain_moves_its_own_part(shipped, driver, gain, moved):
    plain, without = (retarget(shipped.head, driver, settings(**{gain: g})) for g in (1, 0))
    assert getattr(without, moved).std(0).max() < 1e-3 * getattr(plain, moved).std(0).max() + 1e-6
    for other in {"rotation", "lip_gap", "lid_gap", "gaze"} - {moved, "gaze", "lid_gap"}:
        torch.testing.assert_close(getattr(plain, other), getattr(without, other))


def test_brow_gain_moves_brows(shipped, driver):
    still, lively = (
        retarget(shipped.head, driver, settings(brows=g)).offset[:, [105, 334, 152]].abs().amax(0)
        for g in (0, 2)
    )
    assert (lively[:2, 1] > still[:2, 1] + 0.02).all()
    torch.testing.assert_close(lively[2], still[2], atol=2e-3, rtol=0)


def test_lids_and_lips_never_cross(shipped, driver):
    """Twice the motion of a driver whose rest frame has open mouth and wide eyes."""
    for neutral in (0, int(WAVE.argmax()), int(WAVE.argmin())):
        given = MotionSettings(2, 2, 2, 2, 2, neutral_frame=neutral)
        motion = retarget(shipped.head, driver, given)
        assert motion.lid_gap.min() >= 0
        assert motion.lip_gap.min() >= 0
        shape = shipped.head.deform(motion)
        for pairs in (*LID_PAIRS, LIP_PAIRS):
            assert gaps(shape, pairs).min() > -1e-4


def test_mirroring_twice_is_nothing(driver):
    once = mirror_track(driver)
    twice = mirror_track(once)
    assert (once.landmarks - driver.landmarks).abs().max() > 5
    torch.testing.assert_close(twice.landmarks, driver.landmarks, atol=1e-3, rtol=0)
    torch.testing.assert_close(twice.boxes, driver.boxes, atol=1e-3, rtol=0)
    torch.testing.assert_close(once.boxes[:, :2], once.landmarks[..., :2].amin(1))


def test_a_mirrored_driver_turns_the_other_way(shipped, driver):
    plain, mirrored = (
        to_euler(retarget(shipped.head, driver, settings(mirror=m)).rotation) for m in (False, True)
    )
    for angle in (0, 2):
        assert plain[angle].abs().max() > 4
        assert np.corrcoef(plain[angle], mirrored[angle])[0, 1] < -0.99
    assert (plain[0] + mirrored[0]).abs().max() < 1.5


def test_absolute_mouth_closes_a_smile(shipped, driver, own_gaps):
    """The portrait shows teeth; the driver's lips are shut in frame 0 and open later."""
    smile = own_gaps[1].mean()
    assert smile > 0.03
    relative, absolute = (
        retarget(shipped.head, driver, settings(mode=mode)).lip_gap.mean(1)
        for mode in ("relative", "absolute_mouth")
    )
    assert relative[NEUTRAL] == pytest.approx(float(smile), abs=1e-3)
    assert absolute[NEUTRAL] < 0.15 * smile
    assert absolute.max() > smile


def test_absolute_takes_pose_and_lids(shipped, act):
    """A driver who looks aside with half-shut eyes all the time: relative shows nothing of it."""
    driver = act([FaceSliders(yaw=15, blink=0.6)] * 3)
    relative, absolute = (
        retarget(shipped.head, driver, settings(mode=mode)) for mode in ("relative", "absolute")
    )
    assert to_euler(relative.rotation)[0].abs().max() < 0.1
    assert to_euler(absolute.rotation)[0].min() > 5
    assert absolute.lid_gap.mean() < 0.75 * relative.lid_gap.mean()


def test_invalid_frames_are_not_rest(shipped, driver):
    """Frame 0 is at rest but interpolated: another frame is chosen."""
    valid = torch.ones(len(driver), dtype=torch.bool)
    valid[:2] = False
    motion = retarget(shipped.head, replace(driver, valid=valid), MotionSettings())
    still = motion.offset.abs().amax((1, 2)) < 1e-6
    assert still.any()
    assert not still[:2].any()
