"""The host's AUDIO as the core's source of sound, and the other way round."""

from __future__ import annotations

import wave
from collections.abc import Iterator, Mapping
from functools import cached_property
from io import BytesIO

from ...magicportrait_core.errors import InputError
from ...magicportrait_core.types import AudioSource
from ...magicportrait_core.video import read_audio


def audio_source(audio: dict) -> AudioSource:
    """AUDIO (waveform (1, c, n) float -1..1, sample_rate) -> a wav in memory."""
    waveform, rate = audio["waveform"], int(audio["sample_rate"])
    if waveform.ndim != 3 or waveform.shape[0] != 1:
        raise InputError(f"audio must be one sound (1, c, n), got {tuple(waveform.shape)}")
    samples = (waveform[0].float().clamp(-1, 1) * 32767).round().short().T.contiguous()
    content = BytesIO()
    with wave.open(content, "wb") as file:
        file.setnchannels(samples.shape[1])
        file.setsampwidth(2)
        file.setframerate(rate)
        file.writeframes(samples.cpu().numpy().tobytes())
    return AudioSource(content.getvalue(), 0.0, len(samples) / rate)


class ClipAudio(Mapping):
    """A clip's sound as AUDIO, decoded when somebody asks for it: minutes of it take seconds."""

    def __init__(self, source: AudioSource) -> None:
        self._source = source

    @cached_property
    def _decoded(self) -> dict:
        waveform, rate = read_audio(self._source)
        return {"waveform": waveform[None], "sample_rate": rate}

    def __getitem__(self, key: str):
        return self._decoded[key]

    def __iter__(self) -> Iterator[str]:
        return iter(self._decoded)

    def __len__(self) -> int:
        return len(self._decoded)
