"""How a portrait is to move, and the user's say in it."""

from __future__ import annotations

from dataclasses import dataclass
from numbers import Integral

from torch import Tensor

from ..checks import check_choice, check_range
from ..errors import InputError

MODES = ("relative", "absolute_mouth", "absolute")


@dataclass(frozen=True)
class MotionSettings:
    """How much of the driver reaches the portrait.

    relative: everything is measured from the driver's neutral frame, so the portrait keeps its
    own rest pose and smile. absolute_mouth: the lips open and close as far as the driver's, so
    a smiling portrait can close its mouth. absolute: head pose and lids too.

    Args:
        pose: gain of the head's turns, 0..2; of each gain 0 is none, 1 as the driver, 2 double.
        expression: gain of all of the face, 0..2.
        mouth, eyes, brows: gains of a part of the face, 0..2, on top of ``expression``.
        mode: one of MODES.
        neutral_frame: of the driver, from 0: the face at rest; None: the frame nearest to rest.
        mirror: the portrait moves as the driver's mirror image.

    Raises InputError.
    """

    pose: float = 1.0
    expression: float = 1.0
    mouth: float = 1.0
    eyes: float = 1.0
    brows: float = 1.0
    mode: str = "relative"
    neutral_frame: int | None = None
    mirror: bool = False

    def __post_init__(self) -> None:
        check_choice("mode", self.mode, MODES)
        for name in ("pose", "expression", "mouth", "eyes", "brows"):
            check_range(f"gain {name}", getattr(self, name), 0, 2)
        rest = self.neutral_frame
        if rest is not None and not isinstance(rest, Integral):
            raise InputError(f"neutral_frame is a whole number from 0, got {rest!r}")


@dataclass(frozen=True)
class FaceMotion:
    """Motion of one portrait, t frames, in its canonical frame (see canonical.py)."""

    rotation: Tensor  #: (t, 3, 3) turn of the head from the portrait's own pose, head axes
    offset: Tensor  #: (t, 478, 3) expression
    lid_gap: Tensor  #: (t, 2, 7) opening between the lids, >= 0
    lip_gap: Tensor  #: (t, 9) opening between the inner lips, >= 0
    gaze: Tensor  #: (t, 2, 2) shift of each iris

    def __len__(self) -> int:
        return self.offset.shape[0]

    def __getitem__(self, frames: slice) -> FaceMotion:
        fields = (self.rotation, self.offset, self.lid_gap, self.lip_gap, self.gaze)
        return FaceMotion(*(f[frames] for f in fields))
