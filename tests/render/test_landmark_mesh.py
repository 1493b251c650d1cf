"""A landmark track as a mesh."""

from dataclasses import replace
from fractions import Fraction

import pytest
import torch

from magicportrait_core.demo import demo_portrait_path
from magicportrait_core.errors import InputError
from magicportrait_core.faces.networks import load_networks
from magicportrait_core.faces.tracker import track_image
from magicportrait_core.render import landmark_mesh, render_maps
from magicportrait_core.render.landmark_mesh import fan, middles
from magicportrait_core.topology import NOSE_TIP, NUM_LANDMARKS, RIGHT_EYE, TRIANGLES
from magicportrait_core.types import FaceTrack
from magicportrait_core.video import open_image


@pytest.fixture(scope="module")
def track() -> FaceTrack:
    return track_image(open_image(demo_portrait_path()), load_networks())


def test_points_lie_where_they_were_tracked(track):
    height, width = track.frame_size
    screen = landmark_mesh(track).meshes([0], height, width).screen[0, :468]
    x = (screen[:, 0] + 1) / 2 * width - 0.5
    y = (screen[:, 1] + 1) / 2 * height - 0.5
    assert torch.allclose(x, track.landmarks[0, :468, 0], atol=1e-3)
    assert torch.allclose(y, track.landmarks[0, :468, 1], atol=1e-3)


def test_z_has_the_unit_of_x(track):
    height, width = track.frame_size
    screen = landmark_mesh(track).meshes([0], height, width).screen[0, :468]
    px = track.landmarks[0, :468]
    assert torch.allclose(screen[:, 2] * width / 2, px[:, 2], atol=1e-3)
    assert int(screen[:, 2].argmin()) in {NOSE_TIP, 4}


def test_the_frame_covers_a_picture_of_another_shape():
    """Centred, cut above and below, never stretched."""
    points = torch.zeros(1, NUM_LANDMARKS, 3)
    points[0, 1] = torch.tensor([100.0, 0.0, 10.0])
    points[0, 2] = torch.tensor([49.5, 99.5, 0.0])  # the middle of a frame of 200 x 100
    track = FaceTrack(
        torch.zeros(1, 4), points, torch.ones(1), torch.ones(1, dtype=torch.bool), (200, 100),
        Fraction(25),
    )  # fmt: skip
    screen = landmark_mesh(track).meshes([0], 100, 200).screen[0]
    assert screen[2].tolist() == pytest.approx([0, 0, 0])
    # px double; y is 99.5 px above the middle, of which 200 fit twice
    assert screen[1].tolist() == pytest.approx([50.5 * 2 / 100, -99.5 * 2 / 50, 10 * 2 / 100])


def test_the_face_looks_at_the_viewer(track):
    maps = render_maps(landmark_mesh(track), *track.frame_size).frames([0])
    seen = maps.mask[0, 0] > 0
    assert 0.02 < seen.float().mean() < 0.6
    normals = maps.normal[0][:, seen]
    assert (normals[2] > 0).float().mean() > 0.97
    x, y = track.landmarks[0, NOSE_TIP, :2].round().int().tolist()
    assert maps.depth[0, 0, y, x] > 0.95
    left, right = normals.mean(1)[0], normals[0].std()
    assert abs(left) < 0.2 < right


def test_picture_right_is_x(track):
    """World x runs to the picture's right, where a frontal face's left cheek is."""
    maps = render_maps(landmark_mesh(track), *track.frame_size).frames([0])
    columns = maps.mask[0, 0].nonzero()[:, 1]
    middle = int(columns.float().mean())
    normal = maps.normal[0, 0]
    assert normal[:, middle:].sum() > 0 > normal[:, :middle].sum()


def test_holes_are_closed_on_request(track):
    height, width = track.frame_size
    open_maps = render_maps(landmark_mesh(track, closed=False), height, width).frames([0])
    closed_maps = render_maps(landmark_mesh(track), height, width).frames([0])
    rim = track.landmarks[0, list(RIGHT_EYE), :2]
    x, y = rim.mean(0).round().int().tolist()
    assert open_maps.mask[0, 0, y, x] == 0
    assert closed_maps.mask[0, 0, y, x] == 1
    assert (closed_maps.mask >= open_maps.mask).all()


def test_what_closes_the_holes_is_one_surface_with_the_face():
    """Every edge of a ring is used once in each direction."""
    faces = torch.cat([TRIANGLES, *(fan(i) for i in range(3))])
    edges = torch.cat([faces[:, [0, 1]], faces[:, [1, 2]], faces[:, [2, 0]]]).tolist()
    used = {tuple(edge) for edge in edges}
    assert len(used) == len(edges)
    for hole in range(3):
        assert all((b, a) in used for a, b in fan(hole)[:, :2].tolist())


def test_a_mouth_is_hollow_and_an_eye_bulges(track):
    points = track.landmarks[:, :468].clone()
    points[..., 2] = 0
    right, left, mouth = middles(points)[0, :, 2].tolist()
    assert right < 0
    assert left < 0 < mouth


def test_the_track_is_left_untouched(track):
    before = track.landmarks.clone()
    render_maps(landmark_mesh(track), 32, 32).frames([0])
    assert torch.equal(track.landmarks, before)


def test_bad_light_and_colour_are_named(track):
    with pytest.raises(InputError, match="lighting must be"):
        landmark_mesh(track, lighting=torch.zeros(9))
    with pytest.raises(InputError, match="colour must be"):
        landmark_mesh(track, colour=torch.zeros(3))


def test_light_and_colour_are_used(track):
    dark = replace(track)
    lit = landmark_mesh(dark, lighting=torch.zeros(9, 3), colour=torch.ones(3, 1, 1))
    maps = render_maps(lit, 64, 64).frames([0])
    assert maps.mask.sum() > 0
    assert (maps.render == 0).all()
