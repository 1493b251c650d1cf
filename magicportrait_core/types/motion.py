"""A portrait and what drives it, before the motion is carried over."""

from __future__ import annotations

from dataclasses import dataclass, field, replace

from torch import Tensor

from ..checks import check_choice, check_range, check_shape
from ..errors import InputError
from .face import FaceTrack
from .head import HeadTrack

MODES = ("absolute", "relative")
PIVOTS = ("root", "head")
GAINS = (
    *("expression", "jaw", "eyelids", "yaw", "pitch", "roll", "gaze", "neck"),
    "translation",
)


@dataclass(frozen=True)
class TransferSettings:
    """How the driver's motion becomes the portrait's.

    Every gain says how far the portrait goes from its own value (0) to what the driver gives it
    (1); above 1 it overdoes, below 0 it does the opposite. The defaults are the paper's, but for
    the eyelids: the paper drops them, and blinks with them. `flame.transfer` has the equations.
    """

    expression: float = 1.0
    jaw: float = 1.0
    eyelids: float = 1.0
    yaw: float = 1.0
    pitch: float = 1.0
    roll: float = 1.0
    gaze: float = 0.0  #: of the eye joints
    neck: float = 0.0  #: of the neck joint
    translation: float = 0.0  #: of the pivot's way through the picture, in head widths
    mode: str = "absolute"  #: relative: what the driver does since its neutral frame
    neutral_frame: int | None = None  #: of the driver, from 0; None: found
    pivot: str = "root"  #: the point that turns leave in place: the model's root, or head:
    #: the point between the eyes

    def __post_init__(self) -> None:
        check_choice("mode", self.mode, MODES)
        check_choice("pivot", self.pivot, PIVOTS)
        for name in GAINS:
            check_range(f"gain {name}", getattr(self, name), -4, 4)
        rest = self.neutral_frame
        if rest is not None and (not isinstance(rest, int) or rest < 0):
            raise InputError(f"neutral_frame is a whole number from 0, got {rest}")

    def pose_alone(self) -> TransferSettings:
        """The same, but the portrait keeps its face: expression, jaw, eyelids and gaze."""
        return replace(self, expression=0.0, jaw=0.0, eyelids=0.0, gaze=0.0)

    def expression_alone(self) -> TransferSettings:
        """The same, but the portrait keeps its head where and as it is."""
        return replace(self, yaw=0.0, pitch=0.0, roll=0.0, neck=0.0, translation=0.0)


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
        if self.portrait_from_source is not None:
            check_shape("portrait_from_source", self.portrait_from_source, 3, 3)

    def __len__(self) -> int:
        return len(self.driver)


@dataclass(frozen=True)
class LandmarkMotion:
    """A portrait's face mesh and a driver's, where there is no head model."""

    portrait: FaceTrack  #: t = 1
    driver: FaceTrack
    settings: TransferSettings = field(default_factory=TransferSettings)
    portrait_from_source: Tensor | None = None  #: (3, 3) px of the source picture -> the portrait

    def __post_init__(self) -> None:
        if len(self.portrait) != 1:
            raise InputError(f"a portrait's track has 1 frame, got {len(self.portrait)}")
        if self.portrait_from_source is not None:
            check_shape("portrait_from_source", self.portrait_from_source, 3, 3)

    def __len__(self) -> int:
        return len(self.driver)
