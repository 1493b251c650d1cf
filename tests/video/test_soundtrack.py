"""The sound stays at its frame, through every container and every trim."""

import av
import pytest

from magicportrait_core.types import AudioSource
from magicportrait_core.video import VideoWriter, open_video, read_audio

OUTPUTS = [("h264", ".mp4"), ("prores", ".mov"), ("ffv1", ".mkv")]
SOURCES = [
    ("a.mp4", "aac", 48000, {}),
    ("b.mp4", "aac", 44100, {}),
    ("c.mp4", "libmp3lame", 44100, {}),
    ("a.mkv", "pcm_s16le", 48000, {}),
    ("a.webm", "libopus", 48000, {"codec": "libvpx-vp9"}),
    ("a.ts", "aac", 48000, {}),
]


def clicking(path, samples, sound_codec="aac", rate=48000, **options):
    """4 s at 25 fps; frames 25, 50 and 75 are white and click."""
    pictures = [samples.grey(59 if i and i % 25 == 0 else 0) for i in range(100)]
    sound = samples.clicks_at([1, 2, 3], 4, rate)
    return samples.encode(path, pictures, audio=(sound_codec, sound, rate), **options)


def flashes(clip):
    return [i / float(clip.fps) for i, frame in enumerate(clip) if frame.image.float().mean() > 128]


def carry(clip, path, codec="h264", frames=None):
    with VideoWriter(
        path, clip.height, clip.width, clip.fps, codec=codec, audio=clip.audio
    ) as writer:
        for batch in clip.batches(8):
            writer.write(batch if frames is None else batch[: frames - writer.frames_written])
    return open_video(path)


@pytest.mark.parametrize(("name", "codec", "rate", "options"), SOURCES, ids=lambda v: str(v)[:10])
@pytest.mark.parametrize("start", [0, 0.52, 2.52])
def test_clicks_stay_at_their_frames(tmp_path, samples, name, codec, rate, options, start):
    path = clicking(tmp_path / name, samples, codec, rate, **options)
    for output, suffix in OUTPUTS:
        result = carry(open_video(path, start=start), tmp_path / f"out{suffix}", output)
        waveform, measured = read_audio(result.audio)
        shown = flashes(result)
        assert len(shown) == 3 if start < 1 else 1
        # a webm's clock counts in milliseconds
        assert samples.click_times(waveform, measured) == pytest.approx(shown, abs=0.0015)


def test_packets_are_copied_where_mp4_takes_them(tmp_path, samples):
    for codec, kept in (("aac", True), ("libmp3lame", True), ("ac3", False)):
        path = clicking(tmp_path / "a.mp4", samples, codec)
        carry(open_video(path), tmp_path / "out.mp4")
        with av.open(str(path)) as source, av.open(str(tmp_path / "out.mp4")) as result:
            before = [bytes(packet) for packet in source.demux(audio=0) if packet.size]
            after = [bytes(packet) for packet in result.demux(audio=0) if packet.size]
            name = result.streams.audio[0].codec_context.name
        assert (before == after) is kept
        assert name == ("mp3float" if codec == "libmp3lame" else "aac")


@pytest.mark.parametrize(("codec", "suffix"), OUTPUTS)
@pytest.mark.parametrize("source", ["aac", "ac3"])
def test_sound_ends_with_the_frames_written(tmp_path, samples, codec, suffix, source):
    path = clicking(tmp_path / "a.mp4", samples, source)
    carry(open_video(path), tmp_path / f"out{suffix}", codec, frames=30)
    with av.open(str(tmp_path / f"out{suffix}")) as container:
        ends = [
            float((packet.pts + packet.duration) * packet.time_base)
            for packet in container.demux(audio=0)
            if packet.size
        ]
    assert ends[-1] == pytest.approx(1.2, abs=1024 / 48000)


def test_sound_is_interleaved(tmp_path, samples):
    path = clicking(tmp_path / "a.mp4", samples)
    carry(open_video(path), tmp_path / "out.mp4")
    with av.open(str(tmp_path / "out.mp4")) as container:
        last = {"video": 0.0, "audio": 0.0}
        for packet in sorted(
            (p for p in container.demux() if p.size), key=lambda packet: packet.pos
        ):
            last[packet.stream.type] = float(packet.dts * packet.time_base)
            assert abs(last["video"] - last["audio"]) < 1.1


def test_stride_and_rate_keep_the_sound(tmp_path, samples):
    path = clicking(tmp_path / "a.mp4", samples)
    for options in ({"stride": 5}, {"fps": 50}, {"fps": 10, "start": 0.5}):
        clip = open_video(path, **options)
        result = carry(clip, tmp_path / "out.mp4")
        waveform, rate = read_audio(result.audio)
        shown = flashes(result)[0]
        assert samples.click_times(waveform, rate)[0] == pytest.approx(shown, abs=0.001)
        assert len(samples.click_times(waveform, rate)) == 3


def test_silent_sources(tmp_path, samples):
    silent = samples.encode(tmp_path / "a.mp4")
    assert carry(open_video(silent), tmp_path / "out.mp4").audio is None


def test_sound_shorter_than_the_pictures(tmp_path, samples):
    sound = samples.clicks_at([0.2], 0.4, 48000)
    for codec in ("aac", "ac3"):
        path = samples.encode(tmp_path / "a.mp4", count=50, audio=(codec, sound, 48000))
        result = carry(open_video(path), tmp_path / "out.mp4")
        assert result.frame_count == 50
        waveform, rate = read_audio(result.audio)
        assert samples.click_times(waveform, rate) == pytest.approx([0.2], abs=0.001)
        late = carry(open_video(path, start=1.0), tmp_path / "out.mp4")
        assert late.frame_count == 25


@pytest.mark.parametrize("codec", ["aac", "ac3"])
@pytest.mark.parametrize("lag", [0.5, 1.9])
def test_sound_that_begins_later(tmp_path, samples, codec, lag):
    sound = samples.clicks_at([1, 2, 3], 4, 48000)
    late = samples.encode(
        tmp_path / "a.mp4", [samples.grey(0)] * 100, audio=(codec, sound, 48000, lag)
    )
    expected = [second + lag for second in (1, 2, 3) if second + lag < 4]
    for start in (0, 0.4):
        for output, suffix in OUTPUTS:
            result = carry(open_video(late, start=start), tmp_path / f"out{suffix}", output)
            waveform, rate = read_audio(result.audio)
            shown = [second - start for second in expected]
            assert samples.click_times(waveform, rate) == pytest.approx(shown, abs=0.0015)


def test_odd_sample_rate_and_sound_in_memory(tmp_path, samples):
    sound = samples.clicks_at([0.2], 0.48, 6000, channels=1)
    path = samples.encode(tmp_path / "a.mkv", audio=("pcm_s16le", sound, 6000))
    result = carry(open_video(path), tmp_path / "out.mp4")
    waveform, rate = read_audio(result.audio)
    assert (rate, waveform.shape[0]) == (48000, 1)
    assert samples.click_times(waveform, rate) == pytest.approx([0.2], abs=0.002)
    in_memory = AudioSource(path.read_bytes(), 0.0, 0.48)
    assert read_audio(in_memory)[1] == 6000
