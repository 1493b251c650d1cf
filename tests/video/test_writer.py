from fractions import Fraction as F

import av
import numpy as np
import pytest
import torch

from magicportrait_core.errors import InputError
from magicportrait_core.types import AudioSource
from magicportrait_core.video import VideoWriter, open_video

CODECS = [("h264", ".mp4"), ("prores", ".mov"), ("ffv1", ".mkv")]


def smooth(count, h=64, w=96):
    """Moving colour gradients, (count, 3, h, w) uint8: what chroma subsampling keeps."""
    t, y, x = np.mgrid[:count, :h, :w].astype(np.float32)
    red = 128 + 100 * np.sin(x / w * 3 + t / 7)
    green = 128 + 100 * np.cos(y / h * 3 + t / 9)
    blue = 128 + 100 * np.sin((x + y) / (w + h) * 4)
    return torch.from_numpy(np.stack([red, green, blue], 1).round().astype(np.uint8))


def write(path, frames, fps=25, **options):
    with VideoWriter(path, *frames.shape[2:], fps, **options) as writer:
        for part in frames.split(5):
            writer.write(part)
    return path


def read(path):
    return torch.stack([frame.image for frame in open_video(path)])


@pytest.mark.parametrize(("codec", "suffix"), CODECS)
def test_frames_come_back(tmp_path, codec, suffix):
    frames = smooth(12)
    path = write(tmp_path / f"a{suffix}", frames, F(30000, 1001), codec=codec)
    clip = open_video(path)
    assert (clip.fps, clip.frame_count) == (F(30000, 1001), 12)
    assert [p.name for p in tmp_path.iterdir()] == [path.name]
    difference = (read(path).float() - frames).abs()
    if codec == "ffv1":
        assert difference.max() == 0, "lossless"
    # encoding the same frames again gives 1.188 to 1.21: the middle of three is judged
    again = [write(tmp_path / f"{i}{suffix}", frames, codec=codec) for i in range(2)]
    means = [difference.mean(), *((read(p).float() - frames).abs().mean() for p in again)]
    assert sorted(means)[1] < 1.2


def test_no_channel_is_shifted_by_the_way_to_yuv_and_back(tmp_path):
    frames = smooth(12)
    for codec, suffix in CODECS[:2]:
        got = read(write(tmp_path / f"a{suffix}", frames, codec=codec, crf=0))
        assert (got.float() - frames).mean((0, 2, 3)).abs().max() < 0.05


def test_saturated_colours_round_trip(tmp_path):
    colours = [(255, 0, 0), (0, 255, 0), (0, 0, 255), (255, 255, 255), (0, 0, 0), (200, 150, 120)]
    frames = torch.stack([torch.tensor(c, dtype=torch.uint8) for c in colours])
    frames = frames[:, :, None, None].expand(-1, -1, 64, 64)
    for codec, suffix in CODECS[:2]:
        got = read(write(tmp_path / f"a{suffix}", frames, codec=codec))
        assert (got.int() - frames.int()).abs().max() <= 3


@pytest.mark.parametrize(("codec", "suffix"), CODECS[:2])
def test_stated_colours(tmp_path, codec, suffix):
    path = write(tmp_path / f"a{suffix}", smooth(3), codec=codec)
    with av.open(str(path)) as container:
        context = container.streams.video[0].codec_context
        frame = next(container.decode(video=0))
        assert context.pix_fmt == {"h264": "yuv420p", "prores": "yuv422p10le"}[codec]
        assert (context.color_primaries, context.color_trc) == (1, 1)
        assert (int(frame.colorspace), int(frame.color_range)) == (1, 1)
        # by the definition of BT.709, independent of the reader
        planes = frame.reformat(format="yuv444p").to_ndarray()[:, 16:48, 20:76].mean((1, 2))
    red, green, blue = (smooth(1)[0, :, 16:48, 20:76].float().mean((1, 2)) / 255).tolist()
    luma = 0.2126 * red + 0.7152 * green + 0.0722 * blue
    assert planes[0] == pytest.approx(16 + 219 * luma, abs=1)
    assert planes[1] == pytest.approx(128 + 224 * (blue - luma) / 1.8556, abs=1)
    assert planes[2] == pytest.approx(128 + 224 * (red - luma) / 1.5748, abs=1)


def test_ready_to_stream(tmp_path):
    data = write(tmp_path / "a.mp4", smooth(3)).read_bytes()
    assert data.index(b"moov") < data.index(b"mdat")


def test_h264_at_the_default_is_visually_lossless(tmp_path):
    rng = np.random.default_rng(0)
    texture = torch.from_numpy(rng.integers(-20, 20, (3, 128, 128)).astype(np.int16))
    frames = (smooth(8, 128, 128) + texture).clamp(0, 255).to(torch.uint8)
    luma = torch.tensor([0.2126, 0.7152, 0.0722])[:, None, None]
    error = ((read(write(tmp_path / "a.mp4", frames)).float() - frames) * luma).sum(1)
    assert 20 * np.log10(255 / error.square().mean().sqrt().item()) > 42


@pytest.mark.parametrize(("size", "expected"), [((63, 95), (64, 96)), ((64, 95), (64, 96))])
def test_odd_sizes_repeat_the_edge(tmp_path, size, expected):
    frames = smooth(3, *size)
    got = read(write(tmp_path / "a.mp4", frames))
    assert tuple(got.shape[2:]) == expected
    assert (got[:, :, : size[0], : size[1]].float() - frames).abs().mean() < 1.2
    assert (got[:, :, :, -1].float() - got[:, :, :, -2]).abs().mean() < 2
    odd = read(write(tmp_path / "a.mkv", frames, codec="ffv1"))
    assert tuple(odd.shape[2:]) == size


def test_floats_and_bytes_are_the_same(tmp_path):
    frames = smooth(4)
    write(tmp_path / "a.mkv", frames, codec="ffv1")
    write(tmp_path / "b.mkv", frames / 255, codec="ffv1")
    write(tmp_path / "c.mkv", (frames / 255).half() + 0.0001, codec="ffv1")
    assert torch.equal(read(tmp_path / "a.mkv"), read(tmp_path / "b.mkv"))
    assert torch.equal(read(tmp_path / "a.mkv"), read(tmp_path / "c.mkv"))
    write(tmp_path / "d.mkv", frames / 255 * 3 - 1, codec="ffv1")
    assert torch.equal(
        read(tmp_path / "d.mkv"), (frames / 255 * 3 - 1).clamp(0, 1).mul(255).round().byte()
    )


@pytest.mark.parametrize("error", [RuntimeError, KeyboardInterrupt])
@pytest.mark.parametrize(("codec", "suffix"), CODECS)
def test_failure_leaves_nothing(tmp_path, codec, suffix, error):
    def fail():
        with VideoWriter(tmp_path / f"a{suffix}", 64, 96, 25, codec=codec) as writer:
            writer.write(smooth(80))  # x264 looks 50 frames ahead
            assert len(list(tmp_path.iterdir())) == 1
            raise error

    with pytest.raises(error):
        fail()
    assert list(tmp_path.iterdir()) == []


def test_failure_keeps_the_file_that_was_there(tmp_path):
    path = write(tmp_path / "a.mp4", smooth(3))
    before = path.read_bytes()
    writer = VideoWriter(path, 64, 96, 25)
    with pytest.raises(InputError, match=r"frames must be \(n, 3, 64, 96\), got \(2, 3, 96, 64\)"):
        with writer:
            writer.write(smooth(2, 96, 64))
    assert path.read_bytes() == before
    assert list(tmp_path.iterdir()) == [path]


def test_no_frames(tmp_path):
    with pytest.raises(InputError, match=r"No frame came to write to a\.mp4"):
        with VideoWriter(tmp_path / "a.mp4", 64, 96, 25):
            pass
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(
    ("name", "options", "says"),
    [
        ("none/a.mp4", {}, r"output folder .*none does not exist"),
        ("a.mov", {}, r"a\.mov: codec h264 is written to a \.mp4 file: name it a\.mp4"),
        ("a.mp4", {"codec": "prores"}, r"name it a\.mov"),
        ("a.mp4", {"codec": "vp9"}, r"codec must be one of h264, prores, ffv1, got 'vp9'"),
        ("a.mp4", {"crf": 52}, r"crf must be"),
        ("a.mp4", {"fps": 0}, r"fps must be above 0"),
        ("a.mp4", {"height": 1}, r"2 to 16384 px"),
        ("a.mp4", {"audio": AudioSource(__file__ + ".wav", 0, 1)}, "does not exist"),
    ],
)
def test_refused_before_anything_is_written(tmp_path, name, options, says):
    given = {"height": 64, "width": 96, "fps": 25} | options
    with pytest.raises(InputError, match=says), VideoWriter(tmp_path / name, **given):
        pass
    assert list(tmp_path.iterdir()) == []


def test_only_as_a_context_manager(tmp_path):
    with pytest.raises(RuntimeError, match="with VideoWriter"):
        VideoWriter(tmp_path / "a.mp4", 64, 96, 25).write(smooth(1))
