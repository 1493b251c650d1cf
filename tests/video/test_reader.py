import warnings
from fractions import Fraction as F
from io import BytesIO
from pathlib import Path

import av
import numpy as np
import pytest
import torch
from PIL import Image

from magicportrait_core.errors import InputError, MagicPortraitWarning
from magicportrait_core.video import frames as frames_module
from magicportrait_core.video import open_video

KINDS = [
    ("a.mp4", {"codec": "libx264", "options": {"crf": "1"}}),
    ("a.mov", {"codec": "prores_ks", "pix_fmt": "yuv422p10le"}),
    ("a.mkv", {"codec": "ffv1"}),
    ("b.mkv", {"codec": "libx264", "options": {"crf": "1"}, "fps": F(24000, 1001)}),
    ("a.webm", {"codec": "libvpx-vp9", "options": {"crf": "4", "b": "0"}}),
    # lag and alternate references make hidden packets
    ("b.webm", {"codec": "libvpx", "options": {"crf": "4", "b": "2M", "lag-in-frames": "8"}}),
    ("a.ts", {"codec": "libx264", "options": {"crf": "1"}}),
    ("a.avi", {"codec": "mpeg4", "options": {"qscale": "1"}}),
    ("a.gif", {"codec": "gif", "pix_fmt": "gray"}),
    ("a.apng", {"codec": "apng", "pix_fmt": "rgb24"}),
]


@pytest.mark.parametrize(("name", "options"), KINDS, ids=[name for name, _ in KINDS])
def test_every_container_gives_all_frames_in_order(tmp_path, samples, name, options):
    clip = open_video(samples.encode(tmp_path / name, **options))
    assert (clip.height, clip.width) == samples.SIZE
    assert clip.fps == options.get("fps", 25)
    assert clip.frame_count == 12
    assert samples.numbers(clip) == list(range(12))
    assert samples.numbers(clip) == list(range(12)), "a clip can be read again"
    times = [frame.time for frame in clip]
    assert times == pytest.approx([float(i / clip.fps) for i in range(12)], abs=1.1e-3)
    frame = next(iter(clip)).image
    assert frame.dtype == torch.uint8
    assert frame.is_contiguous()
    assert clip.audio is None


@pytest.mark.parametrize("name", ["a.mp4", "a.gif", "a.avi"])
def test_a_clip_is_entered_at_any_frame(tmp_path, samples, name):
    options = dict(KINDS)[name]
    clip = open_video(samples.encode(tmp_path / name, **options), stride=2)
    for first in (0, 3, 5):
        rest = [round((f.image.float().mean().item() - 16) / 4) for f in clip.since(first)]
        assert rest == list(range(2 * first, 12, 2))
    with pytest.raises(InputError, match=f"{name} has 6 frames, number 6 is none"):
        clip.since(6).__next__()


def test_a_long_clip_is_entered_without_decoding_all_of_it(tmp_path, samples, monkeypatch):
    options = {"crf": "1", "g": "25"}
    path = samples.encode(tmp_path / "long.mp4", count=60, fps=5, options=options)
    clip = open_video(path)
    decoded = []
    usual = frames_module.decode_from

    def counted(*args, **kwargs):
        for number, frame in usual(*args, **kwargs):
            decoded.append(number)
            yield number, frame

    monkeypatch.setattr(frames_module, "decode_from", counted)
    assert next(clip.since(55)).time == pytest.approx(11.0)
    assert len(decoded) <= 25


def test_animated_png_named_png(tmp_path, samples):
    path = samples.encode(tmp_path / "a.apng", codec="apng", pix_fmt="rgb24")
    assert samples.numbers(open_video(path.rename(tmp_path / "a.png"))) == list(range(12))


def save_webp(path, samples, durations):
    frames = [Image.fromarray(samples.grey(i)) for i in range(len(durations))]
    frames[0].save(path, save_all=True, append_images=frames[1:], duration=durations, lossless=True)
    return path


def test_animated_webp(tmp_path, samples):
    clip = open_video(save_webp(tmp_path / "a.webp", samples, [40] * 12))
    assert (clip.fps, clip.frame_count) == (25, 12)
    assert samples.numbers(clip) == list(range(12))
    assert samples.numbers(open_video(tmp_path / "a.webp", start=0.2, stride=2)) == [5, 7, 9, 11]


def test_animated_webp_of_varying_rate(tmp_path, samples):
    path = save_webp(tmp_path / "a.webp", samples, [100, 300, 100, 500])
    assert samples.numbers(open_video(path, fps=10)) == [0, 1, 1, 1, 2, 3, 3, 3, 3, 3]


def test_frame_times_of_a_varying_rate_are_exact(tmp_path, samples):
    times = [F(t, 1000) for t in (0, 33, 67, 200, 210, 420, 1000, 1010, 1500)]
    for name in ("a.mp4", "a.mkv"):
        path = samples.encode(
            tmp_path / name, count=9, times=times, unit=F(1, 1000), options={"crf": "1"}
        )
        clip = open_video(path, fps=100, end=1.5)
        expected = [max(i for i, t in enumerate(times) if t <= F(k, 100)) for k in range(150)]
        assert samples.numbers(clip) == expected
        assert clip.frame_count == 150


def test_trimming(tmp_path, samples):
    path = samples.encode(tmp_path / "a.mp4", count=50, options={"crf": "1", "g": "10"})
    assert samples.numbers(open_video(path, start=0.4, end=0.6)) == [10, 11, 12, 13, 14]
    strided = open_video(path, skip_frames=3, stride=5, max_frames=4)
    assert samples.numbers(strided) == [3, 8, 13, 18]
    assert strided.fps == 5
    assert samples.numbers(open_video(path, fps=12.5)) == list(range(0, 50, 2))


def test_starting_late_seeks_to_the_same_frames(tmp_path, samples):
    pictures = [samples.grey(i % 50) for i in range(150)]
    for name in ("a.mp4", "a.mkv", "a.ts"):
        path = samples.encode(tmp_path / name, pictures, options={"crf": "1", "g": "40"})
        clip = open_video(path, start=4.2, max_frames=3)
        assert samples.numbers(clip) == [5, 6, 7]
        assert next(iter(clip)).time == pytest.approx(4.2, abs=1e-3)


def test_frames_before_the_first_key_frame_are_left_out(tmp_path, samples):
    path = samples.encode(tmp_path / "a.ts", count=40, options={"crf": "1", "g": "10"})
    data = path.read_bytes()
    path.write_bytes(data[188 * round(len(data) / 188 / 3) :])
    seen = samples.numbers(open_video(path))
    assert seen[0] % 10 == 0
    assert seen == list(range(seen[0], 40))


def test_folder_in_natural_order(tmp_path, samples):
    for i in range(12):
        Image.fromarray(samples.grey(i)).save(tmp_path / f"shot{i}.png")
    (tmp_path / ".hidden.png").write_text("not a picture")
    (tmp_path / "notes.txt").write_text("not a picture")
    clip = open_video(tmp_path)
    assert (clip.fps, clip.frame_count, clip.name) == (25, 12, tmp_path.name)
    assert samples.numbers(clip) == list(range(12))
    cut = open_video(str(tmp_path), fps=10, start=0.5, stride=3)
    assert samples.numbers(cut) == [5, 8, 11]
    assert cut.fps == F(10, 3)


def test_one_picture(tmp_path, samples):
    Image.fromarray(samples.grey(7)).save(tmp_path / "a.jpg")
    clip = open_video(tmp_path / "a.jpg")
    assert (clip.frame_count, clip.height, clip.width) == (1, *samples.SIZE)
    assert samples.numbers(clip) == [7]


def test_file_in_memory(tmp_path, samples):
    sound = samples.clicks_at([0.2], 0.48, 48000)
    path = samples.encode(tmp_path / "a.mp4", options={"crf": "1"}, audio=("aac", sound, 48000))
    clip = open_video(BytesIO(path.read_bytes()))
    assert samples.numbers(clip) == list(range(12))
    assert clip.audio.path == path.read_bytes()
    Image.fromarray(samples.grey(3)).save(tmp_path / "a.png")
    assert samples.numbers(open_video(BytesIO((tmp_path / "a.png").read_bytes()))) == [3]


def test_awkward_paths(tmp_path, samples, monkeypatch):
    folder = tmp_path / "größe 100% [x] 'q' 動画"
    folder.mkdir()
    samples.encode(tmp_path / "plain.mp4", count=3)
    (tmp_path / "plain.mp4").rename(folder / "file%03d clip.MP4")
    monkeypatch.chdir(folder)
    assert open_video("file%03d clip.MP4").frame_count == 3


def test_file_is_closed_when_the_iterator_is_dropped(tmp_path, samples):
    path = samples.encode(tmp_path / "a.mp4")
    iterator = iter(open_video(path))
    next(iterator)
    fds = _open_files()
    assert fds is None or any(path.name in name for name in fds)
    del iterator
    fds = _open_files()
    assert fds is None or not any(path.name in name for name in fds)
    path.unlink()  # refused by Windows while it is open


def _open_files():
    table = Path("/proc/self/fd")
    if not table.exists():
        return None
    links = []
    for entry in table.iterdir():
        try:
            links.append(str(entry.readlink()))
        except OSError:
            continue  # the handle of this listing itself
    return links


@pytest.mark.parametrize("text", ["Dear diary, today", "#EXTM3U\n#EXTINF:1,\nb.mp4\n", "{}"])
def test_text_named_mp4(tmp_path, text):
    path = tmp_path / "notes.mp4"
    path.write_text(text * 50)
    with pytest.raises(
        InputError, match=r"notes\.mp4 cannot be read as a video or picture.*give one"
    ):
        open_video(path)


def test_playlists_are_not_followed(tmp_path, samples):
    samples.encode(tmp_path / "b.mp4")
    path = tmp_path / "list.mp4"
    path.write_text("ffconcat version 1.0\nfile b.mp4\n")
    with pytest.raises(InputError, match="cannot be read as a video"):
        open_video(path)


def test_unusable_files(tmp_path, samples):
    (tmp_path / "empty.mp4").touch()
    with pytest.raises(InputError, match=r"none\.mp4 does not exist"):
        open_video(tmp_path / "none.mp4")
    with pytest.raises(InputError, match=r"empty\.mp4 is empty"):
        open_video(tmp_path / "empty.mp4")
    with pytest.raises(InputError, match="holds no pictures"):
        open_video(tmp_path)
    with pytest.raises(InputError, match="is empty"):
        open_video(BytesIO())


def test_refused_file(tmp_path, samples, monkeypatch):
    path = samples.encode(tmp_path / "a.mp4")

    def refuse(*args):
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr("magicportrait_core.video.container.open", refuse, raising=False)
    with pytest.raises(InputError, match=r"a\.mp4 cannot be read: Permission denied"):
        open_video(path)


def test_sound_alone(tmp_path):
    with av.open(str(tmp_path / "a.m4a"), "w") as container:
        stream = container.add_stream("aac", rate=48000, layout="mono")
        frame = av.AudioFrame.from_ndarray(np.zeros((1, 4800), np.float32), "fltp", "mono")
        frame.sample_rate = 48000
        container.mux(stream.encode(frame))
        container.mux(stream.encode(None))
    with pytest.raises(InputError, match="has no video stream"):
        open_video(tmp_path / "a.m4a")


def test_cover_picture_is_no_video(tmp_path, samples):
    sound = np.zeros((1, 48000), np.float32)
    with av.open(str(tmp_path / "a.mp3"), "w") as container:
        stream = container.add_stream("libmp3lame", rate=48000, layout="mono")
        frame = av.AudioFrame.from_ndarray(sound, "fltp", "mono")
        frame.sample_rate = 48000
        container.mux(stream.encode(frame))
        container.mux(stream.encode(None))
    cover = BytesIO()
    Image.fromarray(samples.grey(3)).save(cover, "PNG")
    content = b"\0image/png\0\3\0" + cover.getvalue()  # id3.org/id3v2.3.0, 4.15
    frame = b"APIC" + len(content).to_bytes(4, "big") + b"\0\0" + content
    size = bytes(len(frame) >> shift & 127 for shift in (21, 14, 7, 0))
    tagged = b"ID3\3\0\0" + size + frame + (tmp_path / "a.mp3").read_bytes()
    (tmp_path / "a.mp3").write_bytes(tagged)
    with av.open(str(tmp_path / "a.mp3")) as container:
        assert len(container.streams.video) == 1
    with pytest.raises(InputError, match="has no video stream"):
        open_video(tmp_path / "a.mp3")


def test_pictures_of_two_sizes(tmp_path, samples):
    Image.fromarray(samples.grey(0)).save(tmp_path / "a1.png")
    Image.fromarray(samples.grey(0, (64, 64))).save(tmp_path / "a2.png")
    with pytest.raises(InputError, match=r"a1\.png is 96x64, a2\.png is 64x64"):
        open_video(tmp_path)


def test_nothing_left(tmp_path, samples):
    path = samples.encode(tmp_path / "a.mp4")
    with pytest.raises(InputError, match=r"No frame of a\.mp4 is left: it lasts 0\.48 s"):
        open_video(path, start=5)


@pytest.mark.parametrize(
    ("name", "options"),
    [
        ("a.mp4", {"container_options": {"movflags": "faststart"}}),
        ("a.mkv", {}),
        ("a.webm", {"codec": "libvpx-vp9"}),
        ("a.ts", {}),
    ],
)
def test_broken_tail_keeps_what_decodes_and_says_when(tmp_path, samples, name, options):
    rng = np.random.default_rng(0)
    noise = [rng.integers(0, 255, (*samples.SIZE, 3), np.uint8) for _ in range(50)]
    path = samples.encode(tmp_path / name, noise, **options)
    whole = [frame.image for frame in open_video(path)]
    data = path.read_bytes()
    path.write_bytes(data[: round(len(data) * 0.6) // 188 * 188 + 100])
    with pytest.warns(MagicPortraitWarning, match=r"breaks off at 1\.\d\d s") as caught:
        clip = open_video(path)
    kept = [frame.image for frame in clip]
    assert 25 <= len(kept) <= 35
    assert all(torch.equal(a, b) for a, b in zip(kept[:-1], whole, strict=False))
    said = float(str(caught[0].message).split(" at ")[1].split(" s")[0])
    assert said == pytest.approx(clip.frame_count / 25, abs=0.011)
    with warnings.catch_warnings():
        warnings.simplefilter("error")  # the break is not reached
        assert len(list(open_video(path, max_frames=5))) == 5


def test_lost_index(tmp_path, samples):
    path = samples.encode(tmp_path / "a.mp4")
    path.write_bytes(path.read_bytes()[:-400])
    with pytest.raises(InputError, match="incomplete or damaged"):
        open_video(path)
