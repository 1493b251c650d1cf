"""A clip: lazy pictures and where its sound is."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from fractions import Fraction
from itertools import islice
from pathlib import Path

import torch
from torch import Tensor

from ..checks import check_shape
from ..errors import InputError

#: Called as progress(stage, done, total) in every loop that takes time. It may raise to cancel.
Progress = Callable[[str, int, int], None]


def no_progress(stage: str, done: int, total: int) -> None:
    """The default: nobody watches."""


@dataclass(frozen=True)
class VideoFrame:
    """One decoded picture."""

    image: Tensor  #: (3, h, w) uint8 RGB
    time: float  #: seconds from the first frame of the source file; 0 where the source has none


@dataclass(frozen=True)
class AudioSource:
    """Where the sound of a clip is; decoded only when a writer or a node asks for it."""

    path: Path | bytes  #: a file, or the whole content of one
    start: float  #: seconds from the file's beginning at which the clip's first frame is shown
    duration: float  #: seconds of the clip


@dataclass(frozen=True)
class VideoClip:
    """A lazy clip at a constant frame rate. Iterating decodes; iterating again decodes again."""

    source: Iterable[VideoFrame]  #: re-iterable
    height: int  #: px, after rotation and pixel aspect are applied
    width: int  #: px
    fps: Fraction  #: frames per second
    frame_count: int  #: frames the source announces; a broken tail may yield fewer, with a warning
    audio: AudioSource | None = None  #: None: silent
    name: str = "clip"  #: for messages: the file name

    def __post_init__(self) -> None:
        if self.fps <= 0:
            raise InputError(f"fps must be above 0, got {self.fps}")

    def __iter__(self) -> Iterator[VideoFrame]:
        return iter(self.source)

    def since(self, first: int) -> Iterator[VideoFrame]:
        """Yield the frames from number ``first`` on; a file is entered near it where it can be."""
        if not 0 <= first < self.frame_count:
            raise InputError(f"{self.name} has {self.frame_count} frames, number {first} is none")
        enter = getattr(self.source, "since", None)
        return islice(self.source, first, None) if enter is None else iter(enter(first))

    def batches(self, size: int) -> Iterator[Tensor]:
        """Yield (n, 3, h, w) uint8 with n = size but for the last."""
        held: list[Tensor] = []
        for frame in self.source:
            held.append(frame.image)
            if len(held) == size:
                yield torch.stack(held)
                held = []
        if held:
            yield torch.stack(held)

    @staticmethod
    def from_tensor(images: Tensor, fps: Fraction, name: str = "images") -> VideoClip:
        """A clip over pictures already in memory, (t, 3, h, w) uint8."""
        sizes = check_shape("images", images, "t", 3, "h", "w")
        frames = [VideoFrame(image, i / float(fps)) for i, image in enumerate(images)]
        return VideoClip(frames, sizes["h"], sizes["w"], fps, sizes["t"], None, name)
