"""The zero-download engine: the portrait's own picture, warped as the driver moves."""

from .engine import edit_still, portrait_head, reenact_frames
from .live import LiveReenactment
from .motion import MODES, MotionSettings
from .sliders import FaceSliders

__all__ = [
    "MODES",
    "FaceSliders",
    "LiveReenactment",
    "MotionSettings",
    "edit_still",
    "portrait_head",
    "reenact_frames",
]
