"""Animated WebP through Pillow: FFmpeg's decoder shows only the first frame."""

from __future__ import annotations

from collections.abc import Iterator
from fractions import Fraction

from ..types import VideoFrame
from .container import MediaSource
from .images import image_tensor, open_pillow
from .timing import Plan, Timeline


class AnimatedWebp:
    """The planned frames of an animated WebP."""

    def __init__(self, source: MediaSource, name: str, timeline: Timeline, plan: Plan, background):
        self._source, self._name = source, name
        self._timeline, self._plan, self._background = timeline, plan, background

    def __iter__(self) -> Iterator[VideoFrame]:
        with open_pillow(self._source, self._name) as image:
            held, frame = -1, None
            for number in self._plan.indices:
                if number != held:
                    image.seek(number)
                    pixels = image_tensor(image, self._name, self._background)
                    frame = VideoFrame(pixels, float(self._timeline.times[number]))
                    held = number
                yield frame


def webp_timeline(data: bytes) -> Timeline:
    """Frame times from the durations of the ANMF chunks.

    https://developers.google.com/speed/webp/docs/riff_container
    """
    milliseconds, times, at = 0, [], 12
    while at + 8 <= len(data):
        size = int.from_bytes(data[at + 4 : at + 8], "little")
        if data[at : at + 4] == b"ANMF":
            times.append(Fraction(milliseconds, 1000))
            shown = int.from_bytes(data[at + 20 : at + 23], "little")
            milliseconds += shown if shown > 10 else 100  # as browsers show frames without delay
        at += 8 + size + size % 2
    return Timeline(tuple(times), Fraction(milliseconds, 1000), Fraction(1, 1000))
