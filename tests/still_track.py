"""A head's track in which nothing moves, to change in tests."""

from __future__ import annotations

from fractions import Fraction

import torch

from magicportrait_core.types import Camera, HeadParams, HeadTrack


def still_track(t: int) -> HeadTrack:
    """t frames, 5 expressions, 25 frames a second; the crop is the picture."""
    return HeadTrack(
        params=HeadParams.neutral(t, 4, 5, "basis"),
        camera=Camera(torch.full((t,), 8.0), torch.zeros(t, 2)),
        texture=torch.zeros(50),
        lighting=torch.zeros(t, 9, 3),
        crop_from_frame=torch.eye(3).repeat(t, 1, 1),
        valid=torch.ones(t, dtype=torch.bool),
        frame_size=(224, 224),
        fps=Fraction(25),
        tracker="test",
    )
