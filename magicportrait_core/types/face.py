"""A face through a clip, as landmarks."""

from __future__ import annotations

from dataclasses import dataclass, field
from fractions import Fraction

import torch
from torch import Tensor

from ..checks import check_shape
from ..errors import InputError

NUM_LANDMARKS = 478


@dataclass(frozen=True)
class FaceTrack:
    """One face through a clip: 478 points a frame (468 face mesh, 10 iris).

    Landmark z is in the same unit as x (px), smaller is nearer the camera, with its zero near
    the head's centre, as the mesh network gives it.
    """

    boxes: Tensor  #: (t, 4) float32 px: x0, y0, x1, y1
    landmarks: Tensor  #: (t, 478, 3) float32 px
    scores: Tensor  #: (t,) float32 0..1, face presence
    valid: Tensor  #: (t,) bool, False where no face was seen and the frame is interpolated
    frame_size: tuple[int, int]  #: (h, w) px
    fps: Fraction = field(default=Fraction(25))

    def __post_init__(self) -> None:
        t = check_shape("landmarks", self.landmarks, "t", NUM_LANDMARKS, 3)["t"]
        check_shape("boxes", self.boxes, t, 4)
        check_shape("scores", self.scores, t)
        check_shape("valid", self.valid, t)
        if self.valid.dtype != torch.bool or not self.valid.any():
            raise InputError("a face track needs at least one frame in which a face was seen")
        if not self.landmarks.isfinite().all():
            raise InputError("a face track's landmarks must be finite numbers")

    def __len__(self) -> int:
        return self.landmarks.shape[0]
