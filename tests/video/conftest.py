"""Tiny sample files, made at run time. A frame's number is its grey level: 16 + 4 * number."""

from fractions import Fraction

import av
import numpy as np
import pytest

SIZE = (64, 96)  # h, w


def grey(number, size=SIZE):
    return np.full((*size, 3), 16 + 4 * number, np.uint8)


def numbers(clip):
    """The numbers of a clip's frames, read back from their grey levels."""
    return [round((frame.image.float().mean().item() - 16) / 4) for frame in clip]


def encode(
    path,
    pictures=None,
    *,
    count=12,
    codec="libx264",
    pix_fmt="yuv420p",
    fps=25,
    times=None,
    unit=None,
    options=None,
    container_options=None,
    audio=None,
    configure=None,
):
    """Write ``pictures`` ((h, w, 3 or 4) uint8 arrays, or frames), or ``count`` numbered greys.

    ``times``: seconds of each picture, in steps of ``unit``; without it the rate is constant.
    ``audio``: (codec, samples (channels, n) float32, rate, seconds of its first
    sample). ``configure``: called with the stream.
    """
    pictures = [grey(i) for i in range(count)] if pictures is None else pictures
    fps = Fraction(fps)
    unit = unit or 1 / fps
    with av.open(str(path), "w", options=container_options or {}) as container:
        stream = container.add_stream(codec, rate=fps, options=options or {})
        stream.pix_fmt = pix_fmt
        first = pictures[0]
        stream.height, stream.width = (
            (first.height, first.width) if isinstance(first, av.VideoFrame) else first.shape[:2]
        )
        stream.codec_context.time_base = unit
        if configure:
            configure(stream)
        sound = None
        if audio:
            sound_codec, waveform, rate, *lag = audio
            layout = {1: "mono", 2: "stereo"}[waveform.shape[0]]
            sound = container.add_stream(sound_codec, rate=rate, layout=layout)
        for i, picture in enumerate(pictures):
            frame = picture
            if not isinstance(picture, av.VideoFrame):
                kind = "rgba" if picture.shape[2] == 4 else "rgb24"
                frame = av.VideoFrame.from_ndarray(picture, kind).reformat(format=pix_fmt)
            frame.time_base = unit
            frame.pts = round((i / fps if times is None else Fraction(times[i])) / unit)
            container.mux(stream.encode(frame))
        if sound:
            for at in range(0, waveform.shape[1], 1024):
                block = np.ascontiguousarray(waveform[:, at : at + 1024])
                frame = av.AudioFrame.from_ndarray(block, "fltp", layout)
                frame.sample_rate, frame.pts = rate, at + round(sum(lag) * rate)
                frame.time_base = Fraction(1, rate)
                container.mux(sound.encode(frame))
            container.mux(sound.encode(None))
        container.mux(stream.encode(None))
    return path


def break_packets(path, which, kind="video"):
    """Overwrite the content of packets number ``which`` of the first stream with zeros."""
    with av.open(str(path)) as container:
        stream = getattr(container.streams, kind)[0]
        contents = [bytes(packet) for packet in container.demux(stream) if packet.size]
    data, at = path.read_bytes(), 0
    for number, content in enumerate(contents):
        at = data.index(content, at)
        if number in which:
            data = data[:at] + bytes(len(content)) + data[at + len(content) :]
        at += len(content)
    path.write_bytes(data)
    return path


def clicks_at(seconds, length, rate, channels=2):
    """A track of silence with a short loud tone from each of ``seconds`` on."""
    samples = np.zeros((channels, round(length * rate)), np.float32)
    for second in seconds:
        at = round(second * rate)
        samples[:, at : at + 200] = 0.9 * np.sin(np.arange(200) * 0.5)[: samples.shape[1] - at]
    return samples


def click_times(waveform, rate):
    """Seconds at which loud parts of a (channels, n) tensor begin."""
    found = []
    for at in (waveform.abs().amax(0) > 0.3).nonzero()[:, 0].tolist():
        if not found or at - found[-1] > rate // 10:
            found.append(at)
    return [at / rate for at in found]


@pytest.fixture
def samples():
    """The helpers above, as one namespace."""
    return _Samples


class _Samples:
    encode = staticmethod(encode)
    grey = staticmethod(grey)
    numbers = staticmethod(numbers)
    break_packets = staticmethod(break_packets)
    clicks_at = staticmethod(clicks_at)
    click_times = staticmethod(click_times)
    SIZE = SIZE
