"""Trackers: a clip and its face to a head's parameters, all behind one contract."""

from collections.abc import Callable

from .deca_smirk import DecaSmirk
from .landmark_fit import LandmarkFit
from .tracker import Tracker

#: name -> what makes the tracker; each takes a head model first
TRACKERS: dict[str, Callable[..., Tracker]] = {
    DecaSmirk.name: DecaSmirk,
    LandmarkFit.name: LandmarkFit,
}

__all__ = ["TRACKERS", "DecaSmirk", "LandmarkFit", "Tracker"]
