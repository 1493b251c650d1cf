"""Where the head is in the picture: its pivot, and the driver's way over."""

from dataclasses import replace

import pytest
import torch

from magicportrait_core.errors import InputError
from magicportrait_core.flame.motion.placing import head_width, in_frame, moved, pivot_points
from magicportrait_core.types import (
    Camera,
    HeadParams,
)
from tests.small_head import small_track
from tests.transfers import ALL, run


def test_pivot_head_holds_the_point_between_the_eyes(portrait, driver, small_head):
    home = in_frame(pivot_points(portrait.params, small_head, "head"), portrait)

    def way(**settings):
        track = run(portrait, driver, small_head, **settings)
        return (in_frame(pivot_points(track.params, small_head, "head"), track) - home).norm(dim=-1)

    assert way(pivot="head").max() < 1e-3
    assert way(pivot="root").max() > 5  # px: the swing about the neck


def test_the_point_between_the_eyes_is_where_the_mesh_has_it(portrait, small_head):
    """Joints placed without vertices lie where posing the whole head puts them."""
    placed = small_head.shaped(portrait.params.shape).posed(portrait.params)[1]
    found = pivot_points(portrait.params, small_head, "head")
    assert torch.allclose(found, placed[:, 3:].mean(1), atol=1e-6)
    calm = replace(portrait.params, expression=torch.zeros(1, 5))
    placed = small_head.shaped(calm.shape).posed(calm)[1]
    found = pivot_points(portrait.params, small_head, "root")
    assert torch.allclose(found, placed[:, 0], atol=1e-6)


@pytest.mark.parametrize("pivot", ["root", "head"])
@pytest.mark.parametrize("mode", ["absolute", "relative"])
def test_translation_is_in_head_widths(portrait, driver, small_head, mode, pivot):
    """Driver and portrait of other sizes, cameras and crops: 0.5 widths there are 0.5 here."""
    rest = driver[[0]]
    same = rest[[0, 0, 0]]
    px = 0.5 * _width(rest, small_head) * torch.tensor([[0.0, 0], [1, 0], [0, 1]])
    given = {"mode": mode, "pivot": pivot, "neutral_frame": 0}
    still = run(portrait, moved(same, px), small_head, **given)
    track = run(portrait, moved(same, px), small_head, translation=1.0, **given)
    points = pivot_points(track.params, small_head, pivot)
    way = in_frame(points, track) - in_frame(points, still)
    expected = 0.5 * _width(portrait, small_head) * torch.tensor([[0.0, 0], [1, 0], [0, 1]])
    assert torch.allclose(way, expected, atol=1e-3)
    assert torch.equal(track.camera.scale, portrait.camera.scale.expand(3))


def _width(track, head):
    """Px of the frame, by measuring the posed mesh of a head that looks ahead."""
    rest = HeadParams.neutral(1, len(track.params.shape), 1, head.basis)
    rest = replace(rest, shape=track.params.shape)
    x = head.vertices(rest)[0, :, 0]
    assert head_width(track.params, head) == pytest.approx(float(x.max() - x.min()), rel=1e-5)
    ends = torch.zeros(2, 3)
    ends[:, 0] = torch.stack([x.min(), x.max()])
    seen = in_frame(ends, track[[0, 0]])
    return float((seen[1] - seen[0]).norm())


def test_a_driver_who_is_the_portrait_comes_back(small_head):
    """Same identity, frame and camera: with the way through the picture all is as it was."""
    driver = small_track(6, seed=3)
    scale, crop = driver.camera.scale[:1], driver.crop_from_frame[:1]
    driver = replace(
        driver,
        camera=Camera(scale.expand(6), driver.camera.translation),
        crop_from_frame=crop.expand(6, 3, 3),
    )
    portrait = driver[[2]]
    for pivot in ("root", "head"):
        given = {"pivot": pivot, "neutral_frame": 2, "translation": 1.0}
        track = run(portrait, driver, small_head, **given, **ALL)
        found = in_frame(pivot_points(track.params, small_head, "head"), track)
        expected = in_frame(pivot_points(driver.params, small_head, "head"), driver)
        assert torch.allclose(found, expected, atol=1e-2)


def test_heads_without_eyes_turn_about_the_root_only(portrait, driver, small_head):
    blind = replace(small_head, roles=("root", "neck", "jaw", "neck", "neck"))
    with pytest.raises(InputError, match="pivot root"):
        run(portrait, driver, blind, pivot="head")
