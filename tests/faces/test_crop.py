"""Crops: the way in and the way back agree."""

import math

import pytest
import torch

from magicportrait_core.faces import crop


def ramp_picture(height, width):
    """Red tells x, green y, in whole levels."""
    y, x = torch.meshgrid(torch.arange(height), torch.arange(width), indexing="ij")
    return torch.stack([x, y, x * 0]).to(torch.uint8)


@pytest.mark.parametrize("angle", [0.0, 0.4, -math.pi / 2])
@pytest.mark.parametrize("soft", [False, True])
def test_a_crop_pixel_shows_the_picture_where_its_point_lies(angle, soft):
    picture = ramp_picture(200, 220)
    square = torch.tensor([110.0, 100.0, 130.0, angle])
    patch = crop.sample_crop(picture, square, 64, soft=soft) * 255
    points = torch.tensor([[[5.0, 9.0, 0.0], [40.0, 21.0, 0.0], [63.0, 63.0, 0.0]]])
    there = crop.points_to_picture(points, square[None], 64)[0]
    for (x, y, _), (px, py, _) in zip(points[0].long().tolist(), there.tolist(), strict=True):
        assert patch[0, y, x] == pytest.approx(px, abs=0.02)
        assert patch[1, y, x] == pytest.approx(py, abs=0.02)


def test_outside_the_picture_its_edge_is_repeated_or_black():
    picture = torch.full((3, 50, 50), 200, dtype=torch.uint8)
    square = torch.tensor([0.0, 25.0, 40.0, 0.0])
    assert crop.sample_crop(picture, square, 32).min() == pytest.approx(200 / 255)
    assert crop.sample_crop(picture, square, 32, "zeros")[:, :, :10].max() == 0
    far_away = torch.tensor([-500.0, 25.0, 40.0, 0.3])
    assert crop.sample_crop(picture, far_away, 32).min() == pytest.approx(200 / 255)


def test_a_large_picture_is_averaged_not_aliased():
    stripes = (torch.arange(1536) % 2 * 255).to(torch.uint8).expand(3, 1536, 1536)
    patch = crop.sample_crop(stripes, crop.whole(1536, 1536)[0], 128)
    assert patch[:, 4:-4, 4:-4].std() < 0.01


def test_tiles_cover_the_picture():
    squares = crop.tiles(360, 640, 2)
    low, high = squares[:, :2] - squares[:, 2:3] / 2, squares[:, :2] + squares[:, 2:3] / 2
    assert low.amin(0).tolist() == [0, 0]
    assert high.amax(0).tolist() == [640, 360]
    rows = squares[:, 0].unique()
    assert rows.diff().max() <= squares[0, 2] / 2 + 1e-3
