"""Single frames of a clip at the size of a screen, in any order, as a scrubber asks for them."""

from __future__ import annotations

from collections import OrderedDict
from io import BytesIO
from itertools import islice
from threading import Lock
from weakref import ref

import numpy as np
import torch
from PIL import Image
from torch import Tensor

from ..errors import InputError
from ..types import VideoClip
from .mesh_overlay import Window

SIDE = 512  #: px of the longer side at most
_RUN = 16  #: frames decoded at once: entering a file costs more than going on in it
_RUNS = 24  #: runs kept, as JPEG: about 12 MB


def jpeg_of(picture: Tensor) -> bytes:
    """(3, h, w) uint8 -> a JPEG file."""
    buffer = BytesIO()
    pixels = picture.movedim(0, -1).cpu().contiguous().numpy()
    Image.fromarray(pixels).save(buffer, "JPEG", quality=90)
    return buffer.getvalue()


def picture_of(jpeg: bytes) -> Tensor:
    """A JPEG file -> (3, h, w) uint8."""
    with Image.open(BytesIO(jpeg)) as image:
        return torch.from_numpy(np.array(image.convert("RGB"))).movedim(-1, 0)


def shown_size(window: Window, side: int = SIDE) -> tuple[int, int]:
    """(h, w) px at which a part of a frame is shown: ``side`` at most, never enlarged."""
    scale = min(1.0, side / max(window.height, window.width))
    return max(1, round(window.height * scale)), max(1, round(window.width * scale))


class Glimpses:
    """Frames of a clip, reduced; what was decoded lately is kept.

    No file stays open between two calls. Calls from several threads wait for one another. A clip
    that lies in memory is not kept there: who made it may let it go.
    """

    def __init__(self, clip: VideoClip) -> None:
        self.name = clip.name
        self._clip = ref(clip) if isinstance(clip.source, list) else lambda: clip
        self._kept: OrderedDict[tuple[int, Window], list[bytes]] = OrderedDict()
        self._lock = Lock()

    def jpeg(self, frame: int, window: Window) -> bytes:
        """``window`` of a frame at `shown_size`. Raises InputError where the clip broke off."""
        start = frame - frame % _RUN
        key = (start, window)
        with self._lock:
            if key not in self._kept:
                self._kept[key] = self._decode(start, window)
                while len(self._kept) > _RUNS:
                    self._kept.popitem(last=False)
            self._kept.move_to_end(key)
            run = self._kept[key]
        if frame - start >= len(run):
            raise InputError(f"{self.name} breaks off before its frame {frame}")
        return run[frame - start]

    def _decode(self, start: int, window: Window) -> list[bytes]:
        clip = self._clip()
        if clip is None:
            raise InputError(f"{self.name} is no longer in memory: run the graph again")
        size = shown_size(window)
        frames = islice(clip.since(start), _RUN)
        return [jpeg_of(window.cut(frame.image[None], *size)[0]) for frame in frames]
