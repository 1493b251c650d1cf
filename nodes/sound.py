"""The host's AUDIO as the core's source of sound."""

from __future__ import annotations

import wave
from io import BytesIO

from ..magicportrait_core.errors import InputError
from ..magicportrait_core.types import AudioSource


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
