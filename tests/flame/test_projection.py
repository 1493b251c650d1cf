import pytest
import torch

from magicportrait_core.errors import InputError
from magicportrait_core.flame.projection import (
    camera_in_crop,
    camera_in_picture,
    crop_to_picture,
    project,
)
from magicportrait_core.types import Camera


def crop(scale: float, x: float, y: float) -> torch.Tensor:
    return torch.tensor([[scale, 0.0, x], [0.0, scale, y], [0.0, 0.0, 1.0]])


def test_project_turns_the_head_axes_over():
    camera = Camera(torch.tensor([2.0]), torch.tensor([[0.1, 0.2]]))
    points = torch.tensor([[[0.3, 0.4, 0.5]]])
    expected = torch.tensor([[[2 * 0.4, -2 * 0.6, -2 * 0.5]]])
    torch.testing.assert_close(project(points, camera), expected)


def test_project_wants_a_camera_for_each_frame():
    with pytest.raises(InputError, match=r"camera.translation must be \(2, 2\)"):
        project(torch.zeros(2, 5, 3), Camera(torch.ones(1), torch.zeros(1, 2)))


def test_reference_places_the_crops_middle_half_a_pixel_off():
    # 224 crop px = 448 px of the picture from (100, 50); px are taken from edge to edge
    points = torch.tensor([[[0.0, 0.0, 0.7], [-1.0, 1.0, 0.7]]])
    placed = crop_to_picture(points, crop(0.5, -50, -25)[None], 600, 800)
    middle, corner = (324 / 400 - 1, 274 / 300 - 1), (100 / 400 - 1, 498 / 300 - 1)
    expected = torch.tensor([[[*middle, 0.7], [*corner, 0.7]]])
    torch.testing.assert_close(placed, expected)


def test_exact_places_pixel_centres_on_pixel_centres():
    # the middle of crop pixel (10, 20) is px (120, 90) of the picture
    points = torch.tensor([[[2 * 10.5 / 224 - 1, 2 * 20.5 / 224 - 1, 0.0]]])
    placed = crop_to_picture(points, crop(0.5, -50, -25)[None], 600, 800, "exact")
    expected = torch.tensor([[[2 * 120.5 / 800 - 1, 2 * 90.5 / 600 - 1, 0.0]]])
    torch.testing.assert_close(placed, expected)


def test_exact_leaves_points_where_the_crop_is_the_picture():
    points = torch.rand(3, 4, 3, generator=torch.Generator().manual_seed(0)) * 2 - 1
    placed = crop_to_picture(points, torch.eye(3).expand(3, 3, 3), 224, 224, "exact")
    torch.testing.assert_close(placed, points)


def test_another_convention_is_refused():
    with pytest.raises(InputError, match="convention must be one of reference, exact"):
        crop_to_picture(torch.zeros(1, 1, 3), torch.eye(3)[None], 8, 8, "opengl")


def test_the_camera_in_the_picture_says_where_the_origin_is_and_how_large():
    camera = Camera(torch.tensor([8.0]), torch.tensor([[0.01, -0.02]]))
    crops = crop(0.5, -50, -25)[None]
    origin = project(torch.zeros(1, 1, 3), camera)
    screen = crop_to_picture(origin, crops, 600, 800)[0, 0]
    x, y, unit = camera_in_picture(camera, crops)[0]
    torch.testing.assert_close(torch.stack([x, y]), (screen[:2] + 1) * torch.tensor([400.0, 300.0]))
    # a model unit is 8 halves of 224 crop px, twice that in the picture
    torch.testing.assert_close(unit, torch.tensor(8 * 112 * 2.0))


def test_the_camera_comes_back_through_a_turned_crop():
    turned = torch.tensor([[[0.6, 0.2, -40.0], [-0.2, 0.6, 30.0], [0.0, 0.0, 1.0]]])
    camera = Camera(torch.tensor([7.5]), torch.tensor([[0.03, -0.01]]))
    back = camera_in_crop(camera_in_picture(camera, turned), turned)
    torch.testing.assert_close(back.scale, camera.scale)
    torch.testing.assert_close(back.translation, camera.translation, atol=1e-6, rtol=0)
