"""The sound that goes along while a video is written: packets copied, or samples encoded anew."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import suppress
from fractions import Fraction

import av
import numpy as np

from ..types import AudioSource
from .audio import SoundFormat, sound_blocks, sound_format, sound_stream
from .container import as_source, clock_zero, open_container

_AAC_RATES = (96000, 88200, 64000, 48000, 44100, 32000, 24000, 22050, 16000, 12000, 11025, 8000)
_AAC_LAYOUTS = ("mono", "stereo", "3.0", "4.0", "5.0", "5.1", "7.1")


class SoundTrack:
    """One sound stream of an open output, fed in step with the pictures and closed by the writer.

    A packet is copied where ``copied`` names its codec: from the one that sounds at the clip's
    start on, led by one more for the decoder to swing in, which the file's edit list cuts off
    again. Else ``encoder`` encodes the decoded samples, exact to the sample.
    """

    def __init__(
        self,
        source: AudioSource,
        output: av.container.OutputContainer,
        copied: tuple[str, ...],
        encoder: str,
    ) -> None:
        media, name = as_source(source.path)
        self._input = open_container(media, name)
        try:
            stream = sound_stream(self._input, name)
            kind = sound_format(stream)
            whole = stream.codec_context.extradata or kind.codec.startswith("mp3")
            if kind.codec in copied and whole:  # AAC of a transport stream lacks its header
                steps = _copy(self._input, stream, source.start, output)
            else:
                steps = _encode(self._input, stream, kind, source.start, output, encoder)
            self._until = steps
            next(steps)
        except BaseException:
            self._input.close()
            raise

    def write_until(self, seconds: Fraction) -> None:
        """Mux the sound of the pictures up to ``seconds`` of the output."""
        self._until.send(seconds)

    def finish(self) -> None:
        """Mux what the encoder still holds."""
        self._until.send(None)

    def close(self) -> None:
        """Close the source file."""
        self._until.close()
        self._input.close()


def _copy(source, stream, start, output) -> Iterator[None]:
    """Coroutine: receive seconds, mux the packets that begin before them."""
    target = output.add_stream_from_template(stream)
    shift = round((Fraction(start) + clock_zero(source)) / stream.time_base)
    packets = _packets_around(source, stream, start, shift)
    packet = None
    seconds = yield
    while seconds is not None:
        while (packet := packet or next(packets, None)) is not None:
            if (packet.pts - shift) * stream.time_base >= seconds:
                break
            packet.pts -= shift
            packet.dts = packet.pts
            packet.stream = target
            output.mux(packet)
            packet = None
        seconds = yield
    yield


def _packets_around(source, stream, start, first_pts) -> Iterator[av.Packet]:
    """Packets from the one before that which sounds at ``first_pts`` on."""
    if start > 2:
        with suppress(av.FFmpegError):
            source.seek(first_pts - round(1 / stream.time_base), stream=stream)
    lead = None
    packets = source.demux(stream)
    while True:
        try:
            packet = next(packets, None)
        except av.FFmpegError:
            return
        if packet is None:
            return
        if packet.size == 0 or packet.pts is None:
            continue
        if packet.pts + (packet.duration or 0) <= first_pts:
            lead = packet
            continue
        if lead is not None:
            yield lead
            lead = None
        yield packet


def _encode(source, stream, kind: SoundFormat, start, output, encoder: str) -> Iterator[None]:
    """Coroutine: receive seconds, encode the samples before them; None empties the encoder."""
    rate, layout = kind.rate, kind.layout
    if encoder == "aac":
        rate = rate if rate in _AAC_RATES else 48000
        layout = layout if layout in _AAC_LAYOUTS else "stereo"
    target = output.add_stream(encoder, rate=rate, layout=layout)
    if encoder == "aac":
        target.bit_rate = 96_000 * max(target.codec_context.channels, 1)
    blocks = _without_gaps(sound_blocks(source, stream, start))
    written, rest = 0, None
    seconds = yield
    while seconds is not None:
        end = round(seconds * kind.rate)
        while (
            written < end and (rest := rest if rest is not None else next(blocks, None)) is not None
        ):
            block, rest = np.split(rest, [min(end - written, rest.shape[1])], axis=1)
            if rest.shape[1] == 0:
                rest = None
            frame = av.AudioFrame.from_ndarray(np.ascontiguousarray(block), "fltp", kind.layout)
            frame.sample_rate, frame.time_base = kind.rate, Fraction(1, kind.rate)
            frame.pts = written
            written += block.shape[1]
            output.mux(target.encode(frame))
        seconds = yield
    output.mux(target.encode(None))
    yield


def _without_gaps(blocks: Iterator[tuple[int, np.ndarray]]) -> Iterator[np.ndarray]:
    """The samples from number 0 on without a hole: silence where there is no sound."""
    due = 0
    for offset, block in blocks:
        if offset > due:
            yield np.zeros((block.shape[0], offset - due), np.float32)
            due = offset
        block = block[:, due - offset :]
        if block.shape[1]:
            yield block
        due += block.shape[1]
