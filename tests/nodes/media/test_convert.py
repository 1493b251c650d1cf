"""ComfyUI's pictures to the core's and back."""

from __future__ import annotations

import importlib

import pytest
import torch


@pytest.fixture
def convert(pack):
    return importlib.import_module(f"{pack.__name__}.nodes.media.convert")


def test_round_trip(convert):
    image = torch.rand(2, 5, 7, 3)
    core = convert.image_to_core(image)
    assert core.shape == (2, 3, 5, 7)
    assert core[1, 2, 3, 4] == image[1, 3, 4, 2]
    torch.testing.assert_close(convert.core_to_image(core), image, atol=0, rtol=0)


def test_alpha_lies_over_white(convert):
    image = torch.tensor([0.2, 0.4, 0.6, 0.5]).reshape(1, 1, 1, 4)
    expected = torch.tensor([0.6, 0.7, 0.8]).reshape(1, 3, 1, 1)
    torch.testing.assert_close(convert.image_to_core(image), expected)


def test_grey_becomes_three_channels(convert):
    assert convert.image_to_core(torch.full((1, 2, 2, 1), 0.25)).eq(0.25).all()


def test_out_of_range_is_clamped(convert):
    image = torch.tensor([-1.0, 0.5, 2.0]).reshape(1, 1, 1, 3)
    assert convert.image_to_core(image).flatten().tolist() == [0, 0.5, 1]


def test_uint8_is_rounded(convert):
    assert convert.to_uint8(torch.tensor([0.0, 0.499 / 255, 0.501 / 255, 1.0])).tolist() == [
        0,
        0,
        1,
        255,
    ]


def test_single_picture(convert):
    assert convert.single_picture(torch.zeros(1, 4, 6, 3), "portrait").shape == (3, 4, 6)
    with pytest.raises(ValueError, match="portrait must be one picture, got a batch of 3"):
        convert.single_picture(torch.zeros(3, 4, 6, 3), "portrait")


def test_wrong_shape_is_named(convert):
    with pytest.raises(ValueError, match=r"got \(4, 6, 3\)"):
        convert.image_to_core(torch.zeros(4, 6, 3))
