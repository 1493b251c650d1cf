"""The sound of a clip: decoded to samples, cut to the clip's own span."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass
from fractions import Fraction

import av
import numpy as np
import torch
from torch import Tensor

from ..errors import InputError
from ..types import AudioSource
from .container import as_source, clock_zero, open_container

#: Seconds decoded ahead of the start, so that codecs that overlap their blocks are in swing.
_RUN_UP = 1
#: A timestamp this many seconds off its place is a gap in the sound; less is rounding.
_GAP = 0.05
#: What files mean that only count their channels.
_USUAL_LAYOUTS = {"1 channels": "mono", "2 channels": "stereo", "6 channels": "5.1"}


@dataclass(frozen=True)
class SoundFormat:
    """What the sound of a file is."""

    codec: str  #: FFmpeg's name of the decoder
    rate: int  #: samples per second
    layout: str  #: FFmpeg's name, such as "stereo"
    channels: int


def sound_stream(container: av.container.InputContainer, name: str) -> av.AudioStream:
    """The stream a player would choose; InputError where there is none."""
    if not container.streams.audio:
        raise InputError(f"{name} has no sound.")
    return container.streams.best("audio") or container.streams.audio[0]


def sound_format(stream: av.AudioStream) -> SoundFormat:
    """Read from the header."""
    context = stream.codec_context
    layout = _USUAL_LAYOUTS.get(context.layout.name, context.layout.name)
    return SoundFormat(context.name, context.sample_rate, layout, context.channels)


def read_audio(source: AudioSource) -> tuple[Tensor, int]:
    """Decode the sound of a clip: (waveform (channels, samples) float32 -1..1, samples per second).

    Sample 0 belongs to the clip's first frame and the length is the clip's; where the file has no
    sound the waveform is 0. Raises InputError for a file that is missing or has no sound.
    """
    media, name = as_source(source.path)
    with open_container(media, name) as container:
        stream = sound_stream(container, name)
        kind = sound_format(stream)
        count = round(source.duration * kind.rate)
        waveform = np.zeros((kind.channels, count), np.float32)
        for offset, block in sound_blocks(container, stream, source.start):
            if offset >= count:
                break
            waveform[:, offset : offset + block.shape[1]] = block[:, : count - offset]
    return torch.from_numpy(waveform), kind.rate


def sound_blocks(
    container: av.container.InputContainer, stream: av.AudioStream, start: float
) -> Iterator[tuple[int, np.ndarray]]:
    """Yield (first sample's number counted from ``start`` s, (channels, n) float32), rising."""
    kind = sound_format(stream)
    zero = clock_zero(container)
    if start > 2 * _RUN_UP:
        with suppress(av.FFmpegError):
            container.seek(int((start - _RUN_UP + float(zero)) * av.time_base))
    convert = av.AudioResampler("fltp", kind.layout, kind.rate)
    due: int | None = None
    for frame in _decode(container, stream):
        time = None if frame.pts is None else frame.pts * frame.time_base - zero
        for part in convert.resample(frame):
            samples = part.to_ndarray()
            offset = due or 0
            if time is not None:
                offset = round((time - Fraction(start)) * kind.rate)
                time = None
            if due is not None and abs(offset - due) < _GAP * kind.rate:
                offset = due
            due = offset + samples.shape[1]
            if due > 0:
                early = max(-offset, 0)
                yield offset + early, samples[:, early:]


def _decode(container, stream) -> Iterator[av.AudioFrame]:
    """All frames that decode; broken packets are silent, a broken file ends."""
    packets = container.demux(stream)
    while True:
        try:
            packet = next(packets, None)
        except av.FFmpegError:
            return
        if packet is None:
            return
        try:
            frames = stream.codec_context.decode(packet if packet.size else None)
        except av.FFmpegError:
            continue
        yield from frames
