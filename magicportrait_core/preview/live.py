"""Single frames of a reenactment while its settings change, at the size of a screen."""

from __future__ import annotations

from dataclasses import replace
from threading import Lock

import torch
import torch.nn.functional as F
from torch import Tensor

from ..errors import InputError
from ..threads import one_thread
from ..types import FaceTrack
from .engine import portrait_head
from .motion import FaceMotion, MotionSettings
from .renderer import Renderer
from .retarget import retarget

SIDE = 640  #: px of the longer side at most


class LiveReenactment:
    """A portrait and its driver, ready to show any frame under any settings.

    Calls from several threads wait for one another.
    """

    def __init__(self, portrait: Tensor, portrait_track: FaceTrack, driver: FaceTrack) -> None:
        """portrait (3, h, w) float 0..1; portrait_track t = 1, made on that picture."""
        self.portrait, self.track = reduced(portrait, portrait_track)
        self.driver = driver
        self.head = portrait_head(self.portrait, self.track)
        self._renderer: Renderer | None = None
        self._settings: MotionSettings | None = None
        self._motion: FaceMotion | None = None
        self._lock = Lock()

    def frame(self, frame: int, settings: MotionSettings) -> Tensor:
        """The portrait in a frame of the driver, (3, h, w) float 0..1, SIDE px at most."""
        if not 0 <= frame < len(self.driver):
            raise InputError(f"frame must be 0 to {len(self.driver) - 1}, got {frame}")
        with self._lock, torch.inference_mode(), one_thread():
            if self._renderer is None:
                self._renderer = Renderer.from_portrait(self.portrait, self.head, "cpu")
            if settings != self._settings:
                self._motion = retarget(self.head, self.driver, settings)
                self._settings = settings
            return self._renderer.draw(self._motion[frame : frame + 1])[0]


def reduced(portrait: Tensor, track: FaceTrack) -> tuple[Tensor, FaceTrack]:
    """A portrait (3, h, w) and its track (t = 1), both at SIDE px at most."""
    size = portrait.shape[1:]
    scale = SIDE / max(size)
    if scale >= 1:
        return portrait, track
    small = tuple(max(1, round(side * scale)) for side in size)
    picture = F.interpolate(portrait[None], small, mode="bicubic", antialias=True)[0].clamp(0, 1)
    by = torch.tensor([small[1] / size[1], small[0] / size[0], scale])
    half = torch.tensor([0.5, 0.5, 0.0])
    landmarks = (track.landmarks + half) * by - half
    boxes = (track.boxes + 0.5) * by[[0, 1, 0, 1]] - 0.5
    return picture, replace(track, landmarks=landmarks, boxes=boxes, frame_size=small)
