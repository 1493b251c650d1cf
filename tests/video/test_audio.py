from fractions import Fraction as F

import pytest
import torch

from magicportrait_core.errors import InputError
from magicportrait_core.types import AudioSource
from magicportrait_core.video import open_video, read_audio


def sounding(tmp_path, samples, name="a.mp4", sound_codec="aac", rate=48000, **options):
    """4 s at 25 fps with a click at each full second."""
    sound = samples.clicks_at([1, 2, 3], 4, rate)
    pictures = [samples.grey(i % 50) for i in range(100)]
    return samples.encode(tmp_path / name, pictures, audio=(sound_codec, sound, rate), **options)


KINDS = [
    ("a.mp4", "aac", 44100, {}),
    ("b.mp4", "libmp3lame", 48000, {}),
    ("a.mkv", "pcm_s16le", 22050, {"codec": "ffv1"}),
    ("b.mkv", "flac", 48000, {}),
    ("a.webm", "libopus", 48000, {"codec": "libvpx-vp9"}),
    ("a.ts", "aac", 48000, {}),
]


@pytest.mark.parametrize(("name", "codec", "rate", "options"), KINDS, ids=lambda v: str(v)[:12])
def test_sample_zero_belongs_to_the_first_frame(tmp_path, samples, name, codec, rate, options):
    path = sounding(tmp_path, samples, name, codec, rate, **options)
    for start, clicks in ((0, [1, 2, 3]), (0.52, [0.48, 1.48, 2.48]), (2.6, [0.4])):
        clip = open_video(path, start=start)
        waveform, measured = read_audio(clip.audio)
        assert measured == rate
        assert waveform.dtype == torch.float32
        assert waveform.shape == (2, round(clip.frame_count / clip.fps * rate))
        assert samples.click_times(waveform, rate) == pytest.approx(clicks, abs=0.0015)


def test_span_follows_the_trim(tmp_path, samples):
    path = sounding(tmp_path, samples)
    clip = open_video(path, start=1.0, stride=2, skip_frames=5, max_frames=11)
    assert clip.audio.start == pytest.approx(1.2)
    assert clip.audio.duration == pytest.approx(0.88)
    waveform, rate = read_audio(clip.audio)
    assert samples.click_times(waveform, rate) == pytest.approx([0.8], abs=0.001)
    assert read_audio(open_video(path, fps=F(10), start=0.5, end=2.5).audio)[0].shape[1] == 96000


def test_silence_beyond_the_sound(tmp_path, samples):
    sound = samples.clicks_at([0.2], 0.4, 48000)
    path = samples.encode(tmp_path / "a.mp4", count=50, audio=("aac", sound, 48000))
    waveform, rate = read_audio(open_video(path).audio)
    assert waveform.shape == (2, 2 * rate)
    assert samples.click_times(waveform, rate) == pytest.approx([0.2], abs=0.001)
    assert (waveform[:, rate:] == 0).all()
    late, _ = read_audio(open_video(path, start=1.0).audio)
    assert (late == 0).all()


def test_mono_stays_mono(tmp_path, samples):
    sound = samples.clicks_at([0.2], 0.48, 16000, channels=1)
    path = samples.encode(tmp_path / "a.mkv", audio=("pcm_s16le", sound, 16000))
    waveform, rate = read_audio(open_video(path).audio)
    assert (rate, waveform.shape) == (16000, (1, 7680))
    assert (waveform - torch.from_numpy(sound)).abs().max() < 1e-4


def test_no_sound(tmp_path, samples):
    path = samples.encode(tmp_path / "a.mp4")
    assert open_video(path).audio is None
    with pytest.raises(InputError, match=r"a\.mp4 has no sound"):
        read_audio(AudioSource(path, 0.0, 1.0))
    with pytest.raises(InputError, match="does not exist"):
        read_audio(AudioSource(tmp_path / "none.wav", 0.0, 1.0))


def test_broken_packets_are_silent(tmp_path, samples):
    path = sounding(tmp_path, samples)
    samples.break_packets(path, range(90, 100), "audio")  # about 1.9 s to 2.1 s
    waveform, rate = read_audio(AudioSource(path, 0.0, 4.0))
    assert waveform.shape == (2, 4 * rate)
    assert samples.click_times(waveform, rate) == pytest.approx([1, 3], abs=0.001)
