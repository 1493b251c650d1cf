"""Upright RGB with square pixels from every kind of stream."""

import struct
from fractions import Fraction as F

import av
import numpy as np
import pytest
import torch
from PIL import Image

from magicportrait_core.video import open_video
from magicportrait_core.video.pixels import turn_upright

RED, GREEN, BLUE = (200, 30, 30), (30, 200, 30), (30, 30, 200)
# ITU-R BT.601 and BT.709: the weights of R and B in Y.
WEIGHTS = {"bt601": (0.299, 0.114), "bt709": (0.2126, 0.0722)}


def quarters():
    """64x96: red top left, green top right, blue bottom left, black bottom right."""
    picture = np.zeros((64, 96, 3), np.uint8)
    picture[:32, :48], picture[:32, 48:], picture[32:, :48] = RED, GREEN, BLUE
    return picture


def first(path, **options):
    return next(iter(open_video(path, **options))).image


def near(image, y, x, colour, tolerance=12):
    return (image[:, y, x].float() - torch.tensor(colour).float()).abs().max() <= tolerance


def set_display_matrix(path, matrix):
    """Write (a, b, c, d) into the mp4's track header (ISO 14496-12, 8.3.2)."""
    a, b, c, d = matrix
    data = bytearray(path.read_bytes())
    at = data.index(b"tkhd") + 4 + 40
    one = 1 << 16
    values = (a * one, b * one, 0, c * one, d * one, 0, 0, 0, 1 << 30)
    data[at : at + 36] = struct.pack(">9i", *values)
    path.write_bytes(data)


@pytest.mark.parametrize(
    ("matrix", "size", "corners"),
    # colours at top left, top right, bottom left
    [
        ((1, 0, 0, 1), (64, 96), (RED, GREEN, BLUE)),
        ((0, 1, -1, 0), (96, 64), (BLUE, RED, (0, 0, 0))),  # 90 degrees clockwise, as phones
        ((0, -1, 1, 0), (96, 64), (GREEN, (0, 0, 0), RED)),
        ((-1, 0, 0, -1), (64, 96), ((0, 0, 0), BLUE, GREEN)),
        ((-1, 0, 0, 1), (64, 96), (GREEN, RED, (0, 0, 0))),  # mirrored
    ],
)
def test_rotation_metadata(tmp_path, samples, matrix, size, corners):
    path = samples.encode(tmp_path / "a.mp4", [quarters()] * 3, options={"crf": "4"})
    set_display_matrix(path, matrix)
    clip = open_video(path)
    assert (clip.height, clip.width) == size
    h, w = size
    places = [(h // 4, w // 4), (h // 4, 3 * w // 4), (3 * h // 4, w // 4)]
    for frame in clip:
        assert frame.image.shape[1:] == size
        for (y, x), colour in zip(places, corners, strict=True):
            assert near(frame.image, y, x, colour)


def test_turns_are_those_of_the_matrix_itself():
    image = torch.arange(6).reshape(1, 2, 3).expand(3, -1, -1)
    for matrix in [(1, 0, 0, 1), (0, 1, -1, 0), (0, -1, 1, 0), (0, 1, 1, 0), (0, -1, -1, 0)]:
        a, b, c, d = matrix
        turned = turn_upright(image, matrix)
        points = {
            (a * x + c * y, b * x + d * y): int(image[0, y, x]) for y in range(2) for x in range(3)
        }
        left, top = min(p[0] for p in points), min(p[1] for p in points)
        for (x, y), value in points.items():
            assert turned[0, y - top, x - left] == value


@pytest.mark.parametrize(("aspect", "width"), [(F(4, 3), 128), (F(1, 2), 48), (F(1), 96)])
def test_pixels_become_square(tmp_path, samples, aspect, width):
    def stretch(stream):
        stream.codec_context.sample_aspect_ratio = aspect

    path = samples.encode(tmp_path / "a.mp4", [quarters()] * 2, configure=stretch)
    clip = open_video(path)
    assert (clip.height, clip.width) == (64, width)
    image = next(iter(clip)).image
    assert near(image, 16, width // 4, RED)
    assert near(image, 16, 3 * width // 4, GREEN)


def test_pixel_aspect_comes_before_rotation(tmp_path, samples):
    def stretch(stream):
        stream.codec_context.sample_aspect_ratio = F(2)

    path = samples.encode(tmp_path / "a.mp4", [quarters()] * 2, configure=stretch)
    set_display_matrix(path, (0, 1, -1, 0))
    clip = open_video(path)
    assert (clip.height, clip.width) == (192, 64)


def with_alpha():
    """Red, its left half clear, a quarter half clear."""
    picture = np.full((64, 96, 4), (*RED, 255), np.uint8)
    picture[:, :48, 3] = 0
    picture[:, 48:72, 3] = 128
    return picture


ALPHA = [
    ("a.mov", {"codec": "prores_ks", "pix_fmt": "yuva444p10le", "options": {"profile": "4444"}}),
    ("a.webm", {"codec": "libvpx-vp9", "pix_fmt": "yuva420p", "options": {"crf": "4", "b": "0"}}),
    ("b.mov", {"codec": "qtrle", "pix_fmt": "argb"}),
    ("a.mkv", {"codec": "ffv1", "pix_fmt": "bgra"}),
    ("a.apng", {"codec": "apng", "pix_fmt": "rgba"}),
]


@pytest.mark.parametrize(("name", "options"), ALPHA, ids=[name for name, _ in ALPHA])
def test_transparent_parts_lie_over_the_background(tmp_path, samples, name, options):
    path = samples.encode(tmp_path / name, [with_alpha()] * 3, **options)
    for background in ((128, 128, 128), (0, 255, 0)):
        image = first(path, background=background)
        half = [round((a + b) / 2) for a, b in zip(RED, background, strict=True)]
        assert near(image, 32, 20, background, 6)
        assert near(image, 32, 60, half, 8)
        assert near(image, 32, 88, RED, 8)
    assert near(first(path), 32, 20, (128, 128, 128), 6), "neutral grey by default"


def test_transparent_gif(tmp_path):
    pictures = []
    for i in range(3):
        picture = Image.new("P", (96, 64), 0)
        picture.putpalette([0, 0, 0, *RED, *([0] * 750)])
        picture.paste(1, (48, 0, 96, 64 - i))
        pictures.append(picture)
    path = tmp_path / "a.gif"
    pictures[0].save(
        path, save_all=True, append_images=pictures[1:], transparency=0, disposal=2, duration=40
    )
    clip = open_video(path)
    assert clip.frame_count == 3
    for frame in clip:
        assert near(frame.image, 32, 20, (128, 128, 128), 0)
        assert near(frame.image, 32, 88, RED, 0)


def test_transparent_webp(tmp_path):
    frames = [Image.fromarray(with_alpha())] * 2
    frames = [frames[0], Image.fromarray(np.roll(with_alpha(), 1, 0) // 2 * 2)]
    frames[0].save(
        tmp_path / "a.webp", save_all=True, append_images=frames[1:], duration=40, lossless=True
    )
    image = first(tmp_path / "a.webp", background=(255, 255, 255))
    assert near(image, 32, 20, (255, 255, 255), 0)
    assert near(image, 32, 88, RED, 0)


def yuv_frame(rgb, weights, bits=8, full=False, size=(64, 64)):
    """A yuv444p(10le) frame of one colour, by the definition of its matrix."""
    r, g, b = (v / 255 for v in rgb)
    kr, kb = WEIGHTS[weights]
    y = kr * r + (1 - kr - kb) * g + kb * b
    u, v = (b - y) / (2 - 2 * kb), (r - y) / (2 - 2 * kr)
    scale, chroma, black = (255, 255, 0) if full else (219, 224, 16)
    frame = av.VideoFrame(size[1], size[0], "yuv444p" if bits == 8 else "yuv444p10le")
    kind = np.uint8 if bits == 8 else np.uint16
    values = (black + scale * y, 128 + chroma * u, 128 + chroma * v)
    for plane, value in zip(frame.planes, values, strict=True):
        count = plane.buffer_size // np.dtype(kind).itemsize
        plane.update(np.full(count, round(value * 2 ** (bits - 8)), kind).tobytes())
    return frame


COLOURS = [RED, GREEN, BLUE, (255, 255, 255), (128, 128, 128)]


@pytest.mark.parametrize("bits", [8, 10])
@pytest.mark.parametrize("full", [False, True])
@pytest.mark.parametrize(("weights", "number"), [("bt601", 6), ("bt709", 1), ("bt601", 5)])
def test_stated_matrix_and_range_are_used(tmp_path, samples, weights, number, full, bits):
    def state(stream):
        stream.codec_context.colorspace = number
        stream.codec_context.color_range = 2 if full else 1

    frames = [yuv_frame(colour, weights, bits, full) for colour in COLOURS]
    pix_fmt = frames[0].format.name
    path = samples.encode(
        tmp_path / "a.mkv", frames, codec="ffv1", pix_fmt=pix_fmt, configure=state
    )
    for colour, frame in zip(COLOURS, open_video(path), strict=True):
        assert near(frame.image, 32, 32, colour, 2)


@pytest.mark.parametrize(("height", "weights"), [(480, "bt601"), (720, "bt709")])
def test_unstated_matrix_goes_by_the_size(tmp_path, samples, height, weights):
    frame = yuv_frame(RED, weights, size=(height, 1280))
    path = samples.encode(tmp_path / "a.mkv", [frame], codec="ffv1", pix_fmt="yuv444p")
    assert near(first(path), 32, 32, RED, 2)


def test_ten_bits_of_h265(tmp_path, samples):
    ramp = np.broadcast_to(np.linspace(16, 235, 96), (64, 96))[..., None].repeat(3, 2)
    path = samples.encode(
        tmp_path / "a.mp4",
        [ramp.astype(np.uint8)] * 3,
        codec="libx265",
        pix_fmt="yuv420p10le",
        options={"x265-params": "crf=4:log-level=none"},
    )
    image = first(path)
    assert image.dtype == torch.uint8
    assert (image[1, 32].float() - torch.from_numpy(ramp[32, :, 1])).abs().max() <= 4


def test_grey_streams(tmp_path, samples):
    for pix_fmt in ("gray", "gray16le"):
        path = samples.encode(tmp_path / "a.mkv", codec="ffv1", pix_fmt=pix_fmt)
        assert samples.numbers(open_video(path)) == list(range(12))


def test_size_that_changes_in_the_stream_is_brought_to_the_first(tmp_path, samples):
    large = samples.encode(tmp_path / "large.ts", [samples.grey(i) for i in range(3)])
    small = samples.encode(
        tmp_path / "small.ts",
        [samples.grey(i, (32, 48)) for i in range(3, 6)],
        times=[F(3 + i, 25) for i in range(3)],
        unit=F(1, 25),
    )
    joined = tmp_path / "joined.ts"
    joined.write_bytes(large.read_bytes() + small.read_bytes())
    clip = open_video(joined)
    frames = list(clip)
    assert {tuple(frame.image.shape) for frame in frames} == {(3, 64, 96)}
    assert samples.numbers(clip)[-1] == 5
