"""Blending: its ends, what lies between, and tracks that do not go together."""

from dataclasses import replace
from fractions import Fraction

import pytest
import torch

from magicportrait_core.errors import InputError
from magicportrait_core.flame.lbs import rotation_matrix
from magicportrait_core.flame.motion.blend import blend
from magicportrait_core.flame.motion.placing import in_frame, width_in_frame
from magicportrait_core.flame.rotations import axis_angle
from tests.small_head import small_track

POSES = ("global_pose", "jaw_pose", "neck_pose")
#: px; crops of two zooms lie half a crop's pixel apart by the reference's convention
OFF = 0.05
MOTION = ("expression", *POSES, "eye_pose", "eyelids")


@pytest.fixture
def pair():
    return small_track(5, seed=1), small_track(5, seed=2)


def _params(track, **changes):
    return replace(track, params=replace(track.params, **changes))


@pytest.mark.parametrize("kind", ["number", "curve"])
def test_ends_are_the_tracks_motion(pair, kind):
    a, b = pair
    for weight, track in ((0.0, a), (1.0, b)):
        mixed = blend(a, b, weight if kind == "number" else torch.full((5,), weight))
        for name in MOTION:
            assert torch.equal(getattr(mixed.params, name), getattr(track.params, name)), name
        assert torch.equal(mixed.params.shape, a.params.shape)
        origin = torch.zeros(5, 3)
        assert torch.allclose(in_frame(origin, mixed), in_frame(origin, track), atol=OFF)


def test_a_curve_weighs_each_frame(pair):
    a, b = pair
    weight = torch.tensor([0.0, 0.25, 0.5, 1.0, 0.75])
    mixed = blend(a, b, weight)
    ways = (b.params.expression - a.params.expression) * weight[:, None]
    assert torch.allclose(mixed.params.expression, a.params.expression + ways, atol=1e-6)
    for name in POSES:
        start, middle, end = (rotation_matrix(getattr(t.params, name)) for t in (a, mixed, b))
        part = axis_angle(start.mT @ middle)
        assert torch.allclose(part, axis_angle(start.mT @ end) * weight[:, None], atol=1e-4), name


def test_place_blends_in_the_picture(pair, small_head):
    """Whatever the crops: half way in px, geometric mean in size."""
    a, b = pair
    b = _params(b, shape=a.params.shape)
    origin = torch.zeros(5, 3)
    mixed = blend(a, b, 0.5)
    expected = (in_frame(origin, a) + in_frame(origin, b)) / 2
    assert torch.allclose(in_frame(origin, mixed), expected, atol=OFF)
    sizes = [width_in_frame(track, small_head) for track in (a, b, mixed)]
    assert torch.allclose(sizes[2], (sizes[0] * sizes[1]).sqrt(), rtol=1e-4)
    assert torch.equal(mixed.crop_from_frame, a.crop_from_frame)


def test_pictures_of_two_sizes_keep_the_firsts_place(pair):
    a, b = pair
    mixed = blend(a, replace(b, frame_size=(100, 100)), 0.5)
    assert torch.equal(mixed.camera.translation, a.camera.translation)
    assert mixed.frame_size == a.frame_size


def test_lengths_of_expression_may_differ(pair):
    a, b = pair
    mixed = blend(a, _params(b, expression=b.params.expression[:, :2]), 0.5)
    assert torch.allclose(mixed.params.expression[:, 3], a.params.expression[:, 3] / 2)


def test_eyelids_of_one_only(pair):
    a, b = pair
    none = _params(a, eyelids=None)
    assert torch.allclose(blend(none, b, 0.5).params.eyelids, b.params.eyelids / 2)
    assert torch.allclose(blend(b, none, 0.25).params.eyelids, b.params.eyelids * 0.75)
    assert blend(none, _params(b, eyelids=None), 0.5).params.eyelids is None


def test_valid_where_all_that_went_in_was(pair):
    a, b = pair
    a = replace(a, valid=torch.tensor([1, 0, 1, 0, 1]).bool())
    b = replace(b, valid=torch.tensor([1, 1, 0, 0, 0]).bool())
    weight = torch.tensor([0.5, 1.0, 0.0, 0.5, 0.5])
    assert blend(a, b, weight).valid.tolist() == [True, True, True, False, False]


def test_names_of_trackers(pair):
    a, b = pair
    assert blend(a, b, 0.5).tracker == "made_up"
    assert blend(a, replace(b, tracker="keyframes"), 0.5).tracker == "made_up+keyframes"


@pytest.mark.parametrize(
    ("change", "says"),
    [
        (lambda b: b[:4], "alike in frames, got 5 and 4"),
        (lambda b: replace(b, fps=Fraction(24)), "alike in fps, got 25 and 24"),
        (lambda b: _params(b, basis="flame-other"), "two head models"),
    ],
)
def test_tracks_that_do_not_go_together(pair, change, says):
    with pytest.raises(InputError, match=says):
        blend(pair[0], change(pair[1]), 0.5)


@pytest.mark.parametrize("weight", [-0.1, 1.1, float("nan"), torch.ones(4), torch.ones(5, 1)])
def test_bad_weights(pair, weight):
    with pytest.raises(InputError, match="weight"):
        blend(*pair, weight)
