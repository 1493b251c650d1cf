"""Coordinates and pixel centres are the reference's, to the last bit where it decides."""

import pytest
import torch

from magicportrait_core.errors import InputError
from magicportrait_core.render.camera import DEPTH_PASS, pixel_centres, pixels_from, to_ndc

from .golden_codes import GoldenMesh, codes_of


def test_screen_is_turned_round_and_moved_away():
    screen = torch.tensor([[[0.5, -0.25, -1.0], [0.0, 1.0, 2.0]]])
    expected = [[[-0.5, 0.25, 20.0], [0.0, -1.0, 23.0]]]
    assert to_ndc(screen, 64, 64).tolist() == expected
    assert to_ndc(screen, 64, 64, DEPTH_PASS)[0, :, 2].tolist() == [10.0, 13.0]
    assert screen.tolist() == [[[0.5, -0.25, -1.0], [0.0, 1.0, 2.0]]]


def test_each_frame_is_moved_by_itself():
    screen = torch.tensor([[[0.0, 0.0, 1.0]], [[0.0, 0.0, 7.0]]])
    assert to_ndc(screen, 8, 8)[..., 2].tolist() == [[20.0], [20.0]]


@pytest.mark.parametrize(
    ("height", "width", "expected"), [(20, 10, [-0.5, -1.0]), (10, 30, [-1.5, -0.5])]
)
def test_the_longer_axis_is_stretched(height, width, expected):
    ndc = to_ndc(torch.tensor([[[0.5, 0.5, 0.0]]]), height, width)
    assert ndc[0, 0, :2].tolist() == expected


def test_a_wrong_shape_is_named():
    with pytest.raises(InputError, match="screen must be"):
        to_ndc(torch.zeros(4, 3), 8, 8)


def test_centres_run_down_from_the_left_and_the_top():
    assert pixel_centres(4, 4).tolist() == [0.75, 0.25, -0.25, -0.75]
    assert pixel_centres(4, 8).tolist() == [0.75, 0.25, -0.25, -0.75]
    assert pixel_centres(4, 2).tolist() == [1.5, 0.5, -0.5, -1.5]


def test_pixels_are_found_exactly():
    centres = pixel_centres(7, 7)
    at = torch.cat([centres, centres.nextafter(torch.tensor(2.0)), torch.tensor([-3.0, 0.1, 3.0])])
    above, upto = pixels_from(centres, at)
    assert above.tolist() == [int((centres > x).sum()) for x in at]
    assert upto.tolist() == [int((centres >= x).sum()) for x in at]


@pytest.mark.parametrize(("side", "prefix"), [(224, "p0"), (512, "p1")])
def test_goldens_are_seen_where_the_reference_saw_them(geometry, golden_renders, side, prefix):
    stored = golden_renders[side]
    mesh = GoldenMesh(geometry, codes_of(stored, prefix))
    ndc = to_ndc(mesh.meshes([0], side, side).screen, side, side)
    assert torch.allclose(ndc, stored[f"{prefix}.rast.verts_ndc"], rtol=0, atol=4e-6)
    assert float(ndc[..., 2].min()) == 20.0
