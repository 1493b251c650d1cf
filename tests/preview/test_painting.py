"""Skin goes on inwards, what lies behind goes on outwards, and nothing else is touched."""

import numpy as np
import pytest

from magicportrait_core.preview.painting import paint_behind, paint_cavity, paint_skin

SKIN, INSIDE = 0.8, 0.2
OUTLINE = np.array([[10.0, 10], [30, 10], [30, 22], [10, 22]], dtype=np.float32)


@pytest.fixture
def picture():
    """A dark hole, rows 10..22 and columns 10..30, in light skin."""
    picture = np.full((40, 50, 3), SKIN, np.float32)
    picture[10:23, 10:31] = INSIDE
    return picture


def test_skin_covers_the_hole(picture):
    paint_skin(picture, OUTLINE)
    assert np.allclose(picture[11:22, 11:30], SKIN)
    assert np.allclose(picture[:10], SKIN)


def test_behind_goes_on_round_the_hole(picture):
    before = picture.copy()
    paint_behind(picture, OUTLINE, 5)
    assert np.allclose(picture[6:27, 6:35], INSIDE)
    far = np.ones((40, 50), bool)
    far[4:29, 4:37] = False
    assert (picture[far] == before[far]).all()


def test_the_cavity_lies_below_the_lip(picture):
    lower = np.array([[10.0, 22], [20, 24], [30, 22]], dtype=np.float32)
    before, color = picture.copy(), np.array([0.1, 0.05, 0.05], np.float32)
    paint_cavity(picture, lower, 8, color, 2)
    assert (picture[:22] == before[:22]).all()
    column = picture[26:30, 20]
    assert (column < 0.16).all()
    assert (column[-1] >= column[0]).all()  # lighter further down
    assert picture[27:30, 12:28].std(1).max() < 0.03


@pytest.mark.parametrize("paint", [paint_skin, lambda p, o: paint_behind(p, o, 5)])
@pytest.mark.parametrize(
    "outline",
    [
        OUTLINE - 100,  # off the picture
        OUTLINE + 200,
        np.full((4, 2), 12.0),  # shut
        OUTLINE * [1, 0] + [0, 12.3],
    ],
)
def test_what_shows_nothing_changes_nothing(picture, paint, outline):
    before = picture.copy()
    paint(picture, outline.astype(np.float32))
    assert np.isfinite(picture).all()
    assert abs(picture - before).sum() <= abs(before - SKIN).sum()


@pytest.mark.parametrize("shift", [(-20, 0), (0, -16), (30, 0), (0, 25)])
def test_a_hole_over_the_border(picture, shift):
    for paint in (paint_skin, lambda p, o: paint_behind(p, o, 5)):
        paint(picture, OUTLINE + np.float32(shift))
    paint_cavity(picture, OUTLINE + np.float32(shift), 8, np.float32([0.1, 0.1, 0.1]), 2)
    assert np.isfinite(picture).all()
    assert picture.min() >= 0
    assert picture.max() <= 1
