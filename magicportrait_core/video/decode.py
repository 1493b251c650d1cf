"""Packets in, pictures out: the timestamps of a stream, and its frames from a given one on."""

from __future__ import annotations

import os
from bisect import bisect_right
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass
from fractions import Fraction
from itertools import pairwise

import av

from ..errors import InputError
from .container import MediaSource, clock_zero, open_container, video_stream
from .timing import DEFAULT_RATE, Timeline
from .truncation import INDEXED, breaks_off

#: Frame threads each hold a picture: more of them cost memory and gain little.
MAX_THREADS = min(os.cpu_count() or 1, 8)
#: Containers whose packets have no time of their own, only their order.
_UNTIMED = ("avi",)
_SEEK_FROM = 2.0  # seconds; decoding less than that is as fast as seeking


@dataclass(frozen=True)
class StreamIndex:
    """The packets of a video stream, read without decoding."""

    pts: tuple[int, ...]  #: ascending timestamps of the pictures, in the stream's unit
    timeline: Timeline
    lead: Fraction  #: seconds in the file at which the first picture is shown, and timeline's 0
    breaks_off: bool  #: the file ends before its own end
    has_audio: bool
    has_pts: bool  #: False: the file has no timestamps, ``pts`` only counts


def read_index(source: MediaSource, name: str) -> StreamIndex:
    """Demux the whole file once."""
    with open_container(source, name) as container:
        stream = video_stream(container, name)
        zero = clock_zero(container)
        pictures, reached = _scan(container, stream)
        if not pictures:
            raise InputError(f"{name} holds no video frames: it is incomplete or damaged.")
        rates = (stream.average_rate, stream.guessed_rate, stream.base_rate)
        declared = tuple(Fraction(r) for r in rates if r and 0 < r <= 1000)
        # of the two halves of an interlaced picture only the first may have a timestamp
        stamped = [picture for picture in pictures if picture[0] is not None]
        has_pts = len(stamped) * 2 >= len(pictures) and container.format.name not in _UNTIMED
        if has_pts:
            unit = stream.time_base
            pictures = sorted(dict(stamped).items())
            lead = pictures[0][0] * unit - zero
        else:
            unit = 1 / (declared[0] if declared else DEFAULT_RATE)
            lead = Fraction(0)
            pictures = [(i, 1) for i in range(len(pictures))]
        timeline = _timeline(pictures, unit, declared)
        pts = tuple(p for p, _ in pictures)
        torn = breaks_off(container, max(reached, zero + lead + timeline.end))
        return StreamIndex(pts, timeline, lead, torn, bool(container.streams.audio), has_pts)


def _scan(container, stream) -> tuple[list[tuple[int | None, int]], Fraction]:
    """((pts, duration) of each picture that is there whole, seconds reached by any stream)."""
    pictures: list[tuple[int | None, int, bool]] = []
    reached = Fraction(0)
    hidden_vp8 = stream.codec_context.name in ("vp8", "libvpx")
    try:
        for packet in container.demux():
            if packet.size == 0 or packet.is_corrupt:
                continue
            stamp = packet.pts if packet.pts is not None else packet.dts
            if stamp is not None:
                reached = max(reached, (stamp + (packet.duration or 0)) * packet.time_base)
            if packet.stream_index != stream.index or packet.is_discard:
                continue
            if hidden_vp8 and not bytes(packet)[0] & 0x10:
                continue  # a VP8 reference that is never shown (RFC 6386, 9.1)
            pictures.append((packet.pts, packet.duration or 0, packet.is_keyframe))
    except av.FFmpegError:
        pass  # the file ends here: breaks_off finds out whether too early
    first_key = 0
    if container.format.name not in INDEXED:  # a broadcast is joined between key frames
        first_key = next((i for i, picture in enumerate(pictures) if picture[2]), 0)
    key_pts = pictures[first_key][0] if pictures else None
    usable = [p for p in pictures[first_key:] if None in (p[0], key_pts) or p[0] >= key_pts]
    return [(pts, duration) for pts, duration, _ in usable], reached


def _timeline(
    pictures: list[tuple[int, int]], unit: Fraction, declared: tuple[Fraction, ...]
) -> Timeline:
    times = tuple((pts - pictures[0][0]) * unit for pts, _ in pictures)
    last = pictures[-1][1] * unit
    if last <= 0:
        gaps = sorted(b - a for a, b in pairwise(times))
        last = gaps[len(gaps) // 2] if gaps else 1 / next(iter(declared), DEFAULT_RATE)
    return Timeline(times, times[-1] + last, unit, declared)


def decode_from(
    source: MediaSource,
    name: str,
    index: StreamIndex,
    first: int,
    threads: int,
    *,
    may_seek: bool = True,
) -> Iterator[tuple[int, av.VideoFrame]]:
    """Yield (number in the index, frame) from number ``first`` or a little before on.

    With one thread broken packets are passed over; with more the first broken one raises
    av.FFmpegError, because frames on their way in other threads are lost with it.
    """
    with open_container(source, name) as container:
        stream = video_stream(container, name)
        far = index.has_pts and index.timeline.times[first] > _SEEK_FROM
        sought = may_seek and far and container.format.name in INDEXED
        if sought:
            with suppress(av.FFmpegError):  # without an index: decode from the beginning
                container.seek(index.pts[first], stream=stream)
        decoder = _decoder(stream, threads)
        count = -1
        for packet in _packets(container, stream):
            try:
                frames = decoder.decode(packet)
            except av.FFmpegError:
                if threads > 1:
                    raise
                continue
            for frame in frames:
                count += 1
                number = count
                if index.has_pts and frame.pts is not None:
                    number = bisect_right(index.pts, frame.pts) - 1
                if sought and number > first:  # nothing decodes where the seek led
                    yield from decode_from(source, name, index, first, threads, may_seek=False)
                    return
                sought = False
                if number >= 0:
                    yield number, frame


def _decoder(stream: av.VideoStream, threads: int) -> av.VideoCodecContext:
    """The stream's decoder; libvpx for VP8 and VP9 with alpha, which FFmpeg's own drop."""
    decoder = stream.codec_context
    if stream.metadata.get("alpha_mode", stream.metadata.get("ALPHA_MODE")) == "1":
        library = {"vp8": "libvpx", "vp9": "libvpx-vp9"}.get(decoder.name)
        if library in av.codecs_available:
            decoder = av.CodecContext.create(library, "r")
    decoder.thread_type = "AUTO"
    decoder.thread_count = threads
    return decoder


def _packets(container, stream) -> Iterator[av.Packet | None]:
    """The stream's packets, then None to empty the decoder; a read error ends the file."""
    packets = container.demux(stream)
    while True:
        try:
            packet = next(packets, None)
        except av.FFmpegError:
            packet = None
        if packet is not None and packet.size == 0:
            packet = None
        yield packet
        if packet is None:
            return
