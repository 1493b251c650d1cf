from io import BytesIO

import numpy as np
import pytest
import torch
from PIL import Image

from magicportrait_core.errors import InputError
from magicportrait_core.video import open_image, write_image


def two_tone():
    """80x100: white left third, black rest."""
    picture = np.zeros((80, 100, 3), np.uint8)
    picture[:, :33] = 255
    return Image.fromarray(picture)


@pytest.mark.parametrize("suffix", [".png", ".jpg", ".webp", ".bmp", ".tif", ".gif"])
def test_kinds(tmp_path, suffix):
    two_tone().save(tmp_path / f"a{suffix}")
    image = open_image(tmp_path / f"a{suffix}")
    assert image.shape == (3, 80, 100)
    assert image.dtype == torch.uint8
    assert image.is_contiguous()
    assert image[:, 40, 10].min() > 240
    assert image[:, 40, 80].max() < 15


def save_turned(path, orientation):
    exif = Image.Exif()
    exif[0x0112] = orientation
    two_tone().save(path, exif=exif)
    return path


def test_exif_orientation(tmp_path):
    turned = open_image(save_turned(tmp_path / "a.jpg", 6))  # to be turned 90 degrees clockwise
    assert turned.shape == (3, 100, 80)
    assert turned[:, 10, 40].min() > 240
    assert turned[:, 80, 40].max() < 15
    mirrored = open_image(save_turned(tmp_path / "b.jpg", 2))
    assert mirrored[:, 40, 90].min() > 240


@pytest.mark.parametrize("mode", ["RGBA", "LA", "PA"])
def test_transparency(tmp_path, mode):
    picture = two_tone().convert("RGBA")
    picture.putalpha(Image.fromarray(np.pad(np.full((80, 50), 255, np.uint8), ((0, 0), (50, 0)))))
    suffix = "tif" if mode == "PA" else "png"
    picture = picture.convert("LA") if mode == "LA" else picture
    picture.convert("RGBA" if mode == "PA" else mode).save(tmp_path / f"a.{suffix}")
    image = open_image(tmp_path / f"a.{suffix}")
    assert (image[:, 40, 10] == 128).all()
    assert (image[:, 40, 80] == 0).all()
    white = open_image(tmp_path / f"a.{suffix}", background=(255, 255, 255))
    assert (white[:, 40, 10] == 255).all()


def test_palette_with_a_clear_colour(tmp_path):
    picture = Image.new("P", (80, 80), 0)
    picture.putpalette([10, 20, 30, 200, 100, 50] + [0] * 750)
    picture.paste(1, (40, 0, 80, 80))
    picture.save(tmp_path / "a.png", transparency=0)
    image = open_image(tmp_path / "a.png")
    assert image[:, 40, 10].tolist() == [128, 128, 128]
    assert image[:, 40, 60].tolist() == [200, 100, 50]


def test_sixteen_bit_grey(tmp_path):
    ramp = np.broadcast_to(np.linspace(0, 65535, 80).astype(np.uint16), (80, 80))
    Image.fromarray(np.ascontiguousarray(ramp)).save(tmp_path / "a.png")
    image = open_image(tmp_path / "a.png")
    assert (image[1, 40].float() - torch.linspace(0, 255, 80)).abs().max() <= 0.6


def test_cmyk(tmp_path):
    two_tone().convert("CMYK").save(tmp_path / "a.jpg")
    assert open_image(tmp_path / "a.jpg")[:, 40, 10].min() > 240


def test_in_memory():
    data = BytesIO()
    two_tone().save(data, "PNG")
    assert open_image(data).shape == (3, 80, 100)


def test_unusable_pictures(tmp_path):
    two_tone().resize((64, 20)).save(tmp_path / "small.png")
    (tmp_path / "text.png").write_text("no picture")
    (tmp_path / "empty.png").touch()
    np.random.default_rng(0).integers(0, 255, (200, 200, 3), np.uint8).tofile(tmp_path / "x")
    noise = np.fromfile(tmp_path / "x", np.uint8).reshape(200, 200, 3)
    Image.fromarray(noise).save(tmp_path / "cut.png")
    (tmp_path / "cut.png").write_bytes((tmp_path / "cut.png").read_bytes()[:20000])
    huge = Image.new("1", (10000, 8500))
    huge.save(tmp_path / "huge.png")
    for name, says in [
        ("none.png", "does not exist"),
        ("empty.png", "is empty"),
        ("text.png", r"text\.png is not a picture"),
        ("small.png", r"small\.png is 64x20 px: a picture needs at least 64 px"),
        ("cut.png", r"cut\.png is damaged"),
        ("huge.png", r"huge\.png is too large: 10000x8500 px"),
        (".", "is a folder"),
    ]:
        with pytest.raises(InputError, match=says):
            open_image(tmp_path / name)


@pytest.mark.parametrize("suffix", [".png", ".jpg", ".JPEG"])
def test_write_image(tmp_path, suffix):
    image = torch.zeros(3, 70, 90)
    image[0] = torch.linspace(0, 1, 90)
    path = tmp_path / f"a{suffix}"
    write_image(path, image)
    write_image(path, (image * 255).round().to(torch.uint8))
    tolerance = 0 if suffix == ".png" else 3
    difference = open_image(path).int() - (image * 255).round().int()
    assert difference.abs().max() <= tolerance
    assert [p.name for p in tmp_path.iterdir()] == [path.name]


def test_write_image_refuses(tmp_path):
    with pytest.raises(InputError, match=r"written as \.png or \.jpg, got a\.tga"):
        write_image(tmp_path / "a.tga", torch.zeros(3, 8, 8))
    with pytest.raises(InputError, match="must be"):
        write_image(tmp_path / "a.png", torch.zeros(8, 8))
    with pytest.raises(InputError, match="does not exist"):
        write_image(tmp_path / "no" / "a.png", torch.zeros(3, 8, 8))
    assert list(tmp_path.iterdir()) == []
