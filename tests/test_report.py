"""Warnings are recorded once and still shown; times add up by stage."""

import warnings

import pytest

from magicportrait_core.errors import MagicPortraitWarning
from magicportrait_core.report import Recorder, recording


def test_the_cores_warnings_are_recorded_once_and_shown():
    with warnings.catch_warnings(record=True) as shown, recording() as run:
        for text in ("frame 3 is lost", "frame 3 is lost", "frame 4 is lost"):
            warnings.warn(text, MagicPortraitWarning, stacklevel=1)
    assert run.messages == ["frame 3 is lost", "frame 4 is lost"]
    assert [str(w.message) for w in shown] == run.messages


def test_other_warnings_pass_unrecorded():
    with pytest.warns(UserWarning, match="strange"), recording() as run:
        warnings.warn("strange", UserWarning, stacklevel=1)
    assert run.messages == []


def test_times_of_a_stage_add_up():
    run = Recorder({"tracking": 5.0})
    with run.timed("tracking"), run.timed("opening"):
        pass
    assert 5.0 < run.seconds["tracking"] < 6.0
    assert list(run.seconds) == ["tracking", "opening"]
