"""The re-iterable frame source behind a clip that comes from a video file."""

from __future__ import annotations

import warnings
from collections.abc import Iterator
from dataclasses import replace

import av

from ..errors import InputError, MagicPortraitWarning
from ..types import VideoFrame
from .container import MediaSource, open_container, video_stream
from .decode import MAX_THREADS, StreamIndex, decode_from
from .pixels import RgbConverter
from .timing import Plan


class ContainerFrames:
    """Decode the planned frames of a video file; each iteration opens and closes the file."""

    def __init__(
        self,
        source: MediaSource,
        name: str,
        index: StreamIndex,
        plan: Plan,
        background: tuple[int, int, int],
    ) -> None:
        self._source, self._name = source, name
        self._index, self._plan = index, plan
        self._background = background

    def since(self, first: int) -> ContainerFrames:
        """The frames from number ``first`` of the plan on."""
        rest = replace(self._plan, indices=self._plan.indices[first:])
        return ContainerFrames(self._source, self._name, self._index, rest, self._background)

    def __iter__(self) -> Iterator[VideoFrame]:
        with open_container(self._source, self._name) as container:
            aspect = video_stream(container, self._name).sample_aspect_ratio
        convert = RgbConverter(aspect, self._background)
        wanted, done = self._plan.indices, 0
        held: list[int] = []  # output frames that show the one before, theirs being lost
        newest = shown = None  # the last decoded (number, frame), and it as a VideoFrame
        for number, frame in self._decode():
            if newest is None and number > wanted[0]:
                self._fail(f"the first picture that decodes is at {self._time(number):.2f} s")
            while wanted[done] < number:
                shown = shown or self._show(newest, convert)
                held.append(done)
                done += 1
                yield shown
            newest, shown = (number, frame), None
            while done < len(wanted) and wanted[done] == number:
                shown = shown or self._show(newest, convert)
                done += 1
                yield shown
            if done == len(wanted):
                break
        if done == 0:
            self._fail("none of the wanted frames can be decoded")
        self._warn_lost(done, held)

    def _show(self, decoded: tuple[int, av.VideoFrame], convert: RgbConverter) -> VideoFrame:
        number, frame = decoded
        return VideoFrame(convert(frame), self._time(number))

    def _decode(self) -> Iterator[tuple[int, av.VideoFrame]]:
        """Frames in rising order. At the first broken packet go on with one thread."""
        first, reached = self._plan.indices[0], -1
        for threads in dict.fromkeys((MAX_THREADS, 1)):
            try:
                for number, frame in decode_from(
                    self._source, self._name, self._index, max(first, reached), threads
                ):
                    if number > reached:
                        reached = number
                        yield number, frame
                return
            except av.FFmpegError:
                continue

    def _time(self, number: int) -> float:
        return float(self._index.timeline.times[number])

    def _fail(self, what: str) -> None:
        raise InputError(f"{self._name} is damaged at its beginning: {what}.")

    def _warn_lost(self, done: int, held: list[int]) -> None:
        wanted = self._plan.indices
        if held:
            first = self._time(wanted[held[0]])
            self._warn(
                f"{self._name} is damaged at {first:.2f} s: {len(held)} frames cannot be decoded "
                "and show the one before."
            )
        if done < len(wanted):
            self._warn(
                f"{self._name} is damaged from {self._time(wanted[done]):.2f} s on: {done} of "
                f"{len(wanted)} frames are used."
            )

    def _warn(self, message: str) -> None:
        warnings.warn(message, MagicPortraitWarning, stacklevel=4)
