"""A portrait and what drives it, before the motion is carried over."""

from __future__ import annotations

from dataclasses import dataclass, field

from torch import Tensor

from ..checks import check_choice, check_range
from ..errors import InputError
from .head import HeadTrack

MODES = ("absolute", "relative")
PIVOTS = ("root", "head")


@dataclass(frozen=True)
class TransferSettings:
    """How the driver's motion becomes the portrait's. The defaults are the paper's."""

    expression: float = 1.0  #: gain, as of all below
    jaw: float = 1.0
    eyelids: float = 1.0
    yaw: float = 1.0
    pitch: float = 1.0
    roll: float = 1.0
    gaze: float = 0.0  #: of the eye joints
    neck: float = 0.0  #: of the neck joint
    translation: float = 0.0  #: of the head's way through the picture, in head widths
    mode: str = "absolute"  #: relative: against the driver's neutral frame
    neutral_frame: int | None = None  #: of the driver; None: found
    pivot: str = "root"  #: root: the model's; head: the point between the eyes stays

    def __post_init__(self) -> None:
        check_choice("mode", self.mode, MODES)
        check_choice("pivot", self.pivot, PIVOTS)
        for name in ("expression", "jaw", "eyelids", "yaw", "pitch", "roll", "gaze", "neck"):
            check_range(name, getattr(self, name), -4, 4)
        check_range("translation", self.translation, -4, 4)


@dataclass(frozen=True)
class MotionTrack:
    """A portrait's head and a driver's; `flame.transfer` carries the motion over when asked."""

    portrait: HeadTrack  #: t = 1
    driver: HeadTrack
    settings: TransferSettings = field(default_factory=TransferSettings)
    portrait_from_source: Tensor | None = None  #: (3, 3) px of the source picture -> the portrait

    def __post_init__(self) -> None:
        if len(self.portrait) != 1:
            raise InputError(f"a portrait's track has 1 frame, got {len(self.portrait)}")
        mine, theirs = self.portrait.params.basis, self.driver.params.basis
        if mine != theirs:
            raise InputError(
                f"the portrait is tracked on head model {mine}, the driver on {theirs}: track both "
                "with the same head model."
            )

    def __len__(self) -> int:
        return len(self.driver)
