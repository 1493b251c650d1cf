"""Pictures before the networks; the goldens hold the resizing's numbers."""

import pytest
import torch

from magicportrait_core.diffusion.clips.preprocess import prepare_maps, prepare_portrait
from magicportrait_core.errors import InputError


def test_ranges_and_values():
    picture = torch.tensor([0, 51, 255], dtype=torch.uint8)[:, None, None].expand(3, 4, 6)
    portrait = prepare_portrait(picture, 4, 6)
    assert portrait.shape == (1, 3, 4, 6)
    torch.testing.assert_close(portrait[0, :, 2, 3], torch.tensor([-1.0, -0.6, 1.0]))
    maps = prepare_maps(picture[None].expand(2, -1, -1, -1), 8, 12)
    assert maps.shape == (2, 3, 8, 12)
    torch.testing.assert_close(maps[1, :, 5, 7], torch.tensor([0.0, 0.2, 1.0]))


def test_rows_stay_rows():
    picture = torch.zeros(3, 8, 16, dtype=torch.uint8)
    picture[:, :4] = 255
    out = prepare_maps(picture[None], 16, 8)
    assert out[0, 0, 0].min() == 1
    assert out[0, 0, -1].max() == 0


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: prepare_portrait(torch.zeros(3, 4, 4), 8, 8), "must be uint8"),
        (
            lambda: prepare_portrait(torch.zeros(4, 4, 4, dtype=torch.uint8), 8, 8),
            "picture must be",
        ),
        (lambda: prepare_maps(torch.zeros(3, 4, 4, dtype=torch.uint8), 8, 8), "maps must be"),
        (lambda: prepare_maps(torch.zeros(0, 3, 4, 4, dtype=torch.uint8), 8, 8), "maps must be"),
    ],
)
def test_other_pictures_are_refused(make, message):
    with pytest.raises(InputError, match=message):
        make()
