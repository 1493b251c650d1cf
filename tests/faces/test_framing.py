"""The portrait's crop: calibrated, exact to the pixel, never stretched, and what is warned of."""

from __future__ import annotations

from fractions import Fraction

import numpy as np
import pytest
import torch
from PIL import Image

from magicportrait_core.errors import InputError, MagicPortraitWarning
from magicportrait_core.faces.framing import face_square, frame_portrait
from magicportrait_core.faces.networks import load_networks
from magicportrait_core.faces.tracker import track_image
from magicportrait_core.types import FaceTrack


def face_of(low, high, size) -> FaceTrack:
    """A track whose mesh fills a box, px."""
    generator = torch.Generator().manual_seed(3)
    share = torch.rand(478, 2, generator=generator)
    share[0], share[1] = 0, 1
    low, high = torch.tensor(low).float(), torch.tensor(high).float()
    landmarks = torch.cat([low + share * (high - low), torch.zeros(478, 1)], 1)[None]
    return FaceTrack(
        torch.cat([low, high])[None], landmarks, torch.ones(1), torch.ones(1, dtype=torch.bool),
        size, Fraction(25),
    )  # fmt: skip


def ramps(height, width):
    """(3, h, w): red is x, green is y, as shares of 1000 px."""
    x = torch.arange(width).expand(height, width) / 1000
    y = torch.arange(height)[:, None].expand(height, width) / 1000
    return torch.stack([x, y, torch.zeros(height, width)])


def test_the_reference_crop(shared_media):
    """media/boy.jpeg gives media/boy_cropped.jpg: scale within 3 %, centre within 8 px."""
    networks = load_networks("cpu")

    def opened(name):
        pixels = np.array(Image.open(shared_media / name).convert("RGB"))
        return torch.from_numpy(pixels).permute(2, 0, 1)

    whole, wanted = opened("boy.jpeg"), opened("boy_cropped.jpg")
    framed = frame_portrait(whole / 255, track_image(whole, networks))
    ours, theirs = (
        framed.face.landmarks[0, :, :2],
        track_image(wanted, networks).landmarks[0, :, :2],
    )
    size = [(p - p.mean(0)).norm(dim=1).mean() for p in (ours, theirs)]
    assert float(size[0] / size[1]) == pytest.approx(1, abs=0.03)
    assert float((ours.mean(0) - theirs.mean(0)).norm()) < 8


def test_the_square_follows_the_mesh():
    left, top, side = face_square(face_of((100, 100), (199, 199), (400, 400)).landmarks[0])
    assert side == round(1.84 * 1.17 * 100)
    assert left + side / 2 == pytest.approx(150, abs=0.51)
    assert top + side / 2 == pytest.approx(150 - 0.024 * side, abs=1)
    tall = face_square(face_of((100, 100), (199, 259), (400, 400)).landmarks[0])
    assert tall[2] == round(1.84 * 160)
    assert face_square(face_of((100, 100), (199, 199), (400, 400)).landmarks[0], 2.0)[2] == (
        round(2 * 1.84 * 117)
    )


@pytest.mark.parametrize("size", [64, 128, 384])
def test_the_transform_is_that_of_the_pixels(size):
    face = face_of((150, 160), (249, 259), (400, 440))
    framed = frame_portrait(ramps(400, 440), face, size=size)
    assert framed.picture.shape == (3, size, size)
    at = torch.tensor([[size // 3, size // 2, 1.0]])
    back = (at @ torch.linalg.inv(framed.from_source).T)[0]
    pixel = framed.picture[:2, size // 2, size // 3]
    assert torch.allclose(pixel * 1000, back[:2], atol=0.05)
    moved = face.landmarks[0].clone()
    moved[:, 2] = 1
    there = moved @ framed.from_source.T
    assert torch.allclose(framed.face.landmarks[0, :, :2], there[:, :2], atol=1e-3)
    assert framed.face.frame_size == (size, size)


def test_the_edge_goes_on_and_is_warned_of():
    face = face_of((150, 5), (249, 104), (400, 400))
    with pytest.warns(MagicPortraitWarning, match=r"reaches beyond the picture \(top\)"):
        framed = frame_portrait(ramps(400, 400), face, size=256)
    assert float(framed.picture[1, 0].max()) == pytest.approx(0, abs=1e-4)


def test_a_small_face_is_warned_of():
    face = face_of((190, 190), (229, 229), (400, 400))
    with pytest.warns(MagicPortraitWarning, match=r"only 86x86 px, enlarged to 512"):
        frame_portrait(ramps(400, 400), face)


def test_the_whole_picture_is_cut_to_multiples_of_8():
    face = face_of((150, 150), (249, 249), (403, 397))
    framed = frame_portrait(ramps(403, 397), face, crop="none")
    assert framed.size == (400, 392)
    assert torch.equal(framed.picture, ramps(403, 397)[:, 1:401, 2:394])
    assert torch.equal(framed.face.landmarks[..., 0], face.landmarks[..., 0] - 2)


@pytest.mark.parametrize(
    ("options", "said"),
    [
        ({"crop": "some"}, "crop must be one of auto, none"),
        ({"scale": 9.0}, "crop_scale must be between"),
        ({"size": 500}, "size must be a multiple of 8"),
    ],
)
def test_wrong_values(options, said):
    face = face_of((150, 150), (249, 249), (400, 400))
    with pytest.raises(InputError, match=said):
        frame_portrait(ramps(400, 400), face, **options)


def test_a_track_of_another_picture():
    face = face_of((150, 150), (249, 249), (300, 300))
    with pytest.raises(InputError, match="picture of 400x400 px"):
        frame_portrait(ramps(400, 400), face)
