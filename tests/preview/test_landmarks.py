"""A portrait's face mesh moved by another's: who moves what, and by how much."""

from __future__ import annotations

from fractions import Fraction

import numpy as np
import pytest
import torch

from magicportrait_core.errors import InputError
from magicportrait_core.preview.canonical import head_frame
from magicportrait_core.preview.landmarks import moved_landmarks
from magicportrait_core.preview.regions import LIP_PAIRS, gaps
from magicportrait_core.preview.rotation import to_euler
from magicportrait_core.preview.sliders import FaceSliders
from magicportrait_core.types import LandmarkMotion, TransferSettings

WAVE = np.sin(np.arange(48) / 48 * 2 * np.pi)
HIGH, LOW = 12, 36  #: frames where the wave is 1 and -1
STILL = dict.fromkeys(("expression", "jaw", "eyelids", "yaw", "pitch", "roll"), 0.0)


@pytest.fixture
def moved(shipped, act):
    """moved(**settings): the shipped portrait's mesh under a sway with an opening mouth."""
    driver = act([FaceSliders(yaw=12 * w, roll=-6 * w, mouth=max(w, 0)) for w in WAVE])

    def make(**settings):
        given = {"mode": "relative", "neutral_frame": 0} | settings
        return moved_landmarks(LandmarkMotion(shipped.track, driver, TransferSettings(**given)))

    return make


def angles(track):
    pose, _ = head_frame(track.landmarks)
    own = pose.rotation[:1].transpose(-1, -2)
    return to_euler(own @ pose.rotation)


def test_it_is_a_track_of_the_portrait(moved, shipped):
    track = moved()
    assert len(track) == len(WAVE)
    assert track.frame_size == shipped.track.frame_size
    assert track.fps == Fraction(24)
    assert track.landmarks.dtype == torch.float32


def test_the_head_turns_with_the_driver(moved):
    yaw, _, roll = angles(moved())
    assert float(yaw[HIGH]) == pytest.approx(12, abs=2.5)
    assert float(yaw[LOW]) == pytest.approx(-12, abs=2.5)
    assert float(roll[HIGH]) < -3


def test_the_jaws_gain_is_not_the_expressions(moved):
    """The mouth opens as far by half of all as by half of the jaw and all of the rest."""
    half, jaw = (
        gaps(head_frame(moved(**gains).landmarks)[1], LIP_PAIRS).amax(-1)[HIGH]
        for gains in ({"expression": 0.5, "jaw": 0.5}, {"jaw": 0.5})
    )
    assert float(half) == pytest.approx(float(jaw), rel=0.05)


def test_without_gains_it_rests(moved, shipped):
    track = moved(**STILL)
    off = (track.landmarks - shipped.track.landmarks).norm(dim=-1)
    assert float(off.max()) < 0.01 * float(shipped.head.pose.scale)


def test_gains_act_one_by_one(moved):
    yaw, _, roll = angles(moved(yaw=0.0))
    assert float(yaw.abs().max()) < 2.5
    assert float(roll[HIGH]) < -3
    _, _, roll = angles(moved(roll=0.0))
    assert float(roll.abs().max()) < 1.5


def test_the_mouth_follows_the_jaw(moved):
    def opening(track):
        return gaps(head_frame(track.landmarks)[1], LIP_PAIRS).mean(1)

    open_, shut = opening(moved()), opening(moved(jaw=0.0))
    assert float(open_[HIGH] - open_[0]) > 0.05
    assert float(shut[HIGH] - shut[0]) < 0.3 * float(open_[HIGH] - open_[0])


def test_the_relief_is_the_meshs_own(moved, shipped):
    track = moved(**STILL)
    own = shipped.track.landmarks[0, :, 2]
    span = float(track.landmarks[0, :, 2].max() - track.landmarks[0, :, 2].min())
    assert span == pytest.approx(float(own.max() - own.min()), rel=0.02)


def test_values_the_mesh_cannot_take(moved):
    with pytest.raises(InputError, match="gain jaw must be between 0 and 2"):
        moved(jaw=3.0)
    with pytest.raises(InputError, match="neutral_frame must be 0 to 47"):
        moved(neutral_frame=48)
