import pytest
from PIL import Image

from magicportrait_core.errors import InputError
from magicportrait_core.video import open_video
from magicportrait_core.video.stills import list_images


def test_natural_order(tmp_path):
    for name in ("b2.png", "B10.png", "b1.png", "a.png", "10.png", "9.png"):
        (tmp_path / name).touch()
    names = [path.name for path in list_images(tmp_path)]
    assert names == ["9.png", "10.png", "a.png", "b1.png", "b2.png", "B10.png"]


def test_folder_of_turned_photographs(tmp_path):
    picture = Image.new("RGB", (100, 80))
    picture.paste((255, 255, 255), (0, 0, 33, 80))
    for name, orientation in (("a.jpg", 6), ("b.jpg", 8)):
        exif = Image.Exif()
        exif[0x0112] = orientation
        picture.save(tmp_path / name, exif=exif)
    clip = open_video(tmp_path)
    assert (clip.height, clip.width) == (100, 80)
    assert [bool(frame.image[0, 10, 40] > 127) for frame in clip] == [True, False]


def test_damaged_picture_in_a_folder_is_named(tmp_path, samples):
    for i in range(3):
        Image.fromarray(samples.grey(i, (200, 200))).save(tmp_path / f"{i}.jpg", quality=100)
    (tmp_path / "1.jpg").write_bytes((tmp_path / "1.jpg").read_bytes()[:700])
    with pytest.raises(InputError, match=r"1\.jpg is damaged"):
        samples.numbers(open_video(tmp_path))
