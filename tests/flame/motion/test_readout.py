"""Curves of a head track: angles with the neck, the jaw, openings of mouth and eyes."""

from dataclasses import replace

import pytest
import torch

from magicportrait_core.errors import InputError
from magicportrait_core.flame.landmarks import points_on_faces
from magicportrait_core.flame.motion.readout import head_angles, jaw_opening, openings, points_of
from magicportrait_core.flame.rotations import from_euler
from magicportrait_core.types import HeadParams
from tests.small_head import small_track


def _posed(track, **params):
    return replace(track, params=replace(track.params, **params))


def _calm(track):
    zeros = {
        name: torch.zeros_like(getattr(track.params, name))
        for name in ("expression", "global_pose", "jaw_pose", "eye_pose", "eyelids")
    }
    return _posed(track, **zeros)


@pytest.mark.parametrize("field", ["global_pose", "neck_pose"])
def test_angles_are_those_of_root_and_neck(field):
    angles = torch.tensor([[10.0, -25.0], [5.0, 12.0], [-8.0, 3.0]])
    track = _posed(_calm(small_track(2)), **{field: from_euler(*angles)})
    assert torch.allclose(torch.stack(head_angles(track)), angles, atol=1e-4)


def test_root_and_neck_add_up():
    half = from_euler(torch.tensor([10.0]), torch.zeros(1), torch.zeros(1))
    track = _posed(small_track(1), global_pose=half, neck_pose=half)
    assert head_angles(track)[0] == pytest.approx(20, abs=1e-4)


def test_jaw_in_degrees():
    track = _posed(small_track(1), jaw_pose=torch.tensor([[0.2, 0.0, 0.0]]))
    assert jaw_opening(track) == pytest.approx(11.459, abs=1e-3)


def test_openings_follow_jaw_and_lids_and_not_the_head(small_head):
    track = _calm(small_track(4))
    jaw = torch.zeros(4, 3)
    jaw[1, 0], jaw[2, 0] = 0.2, 0.4
    lids = torch.zeros(4, 2)
    lids[3] = 0.8
    found = openings(_posed(track, jaw_pose=jaw, eyelids=lids), small_head)
    assert found.mouth[0] < found.mouth[1] < found.mouth[2]
    assert found.mouth[3] == pytest.approx(float(found.mouth[0]), rel=0.1)
    assert found.eyes[3] < 0.9 * found.eyes[0]
    turned = _posed(track, jaw_pose=jaw, eyelids=lids, global_pose=torch.full((4, 3), 0.4))
    again = openings(turned, small_head)
    assert torch.allclose(again.mouth, found.mouth, atol=1e-5)
    assert torch.allclose(again.eyes, found.eyes, atol=1e-5)


def test_no_landmarks_no_openings(small_head):
    assert openings(small_track(2), replace(small_head, landmarks=None)) is None


def test_points_are_those_of_the_whole_mesh(small_head):
    track = small_track(5)
    expected = points_on_faces(
        small_head.vertices(track.params), small_head.faces, small_head.landmarks.full
    )
    found = points_of(track.params, small_head, small_head.landmarks.full)
    assert torch.allclose(found, expected, atol=1e-6)


def test_another_basis_is_refused(small_head):
    other = replace(small_head, template=small_head.template + 1)
    with pytest.raises(InputError, match="head model"):
        points_of(small_track(1).params, other, other.landmarks.full)


def test_the_golden_head_opens_its_mouth(golden_head):
    params = HeadParams.neutral(2, 1, 1, golden_head.basis)
    params.jaw_pose[1, 0] = 0.3
    found = openings(replace(small_track(2), params=params), golden_head)
    assert found.mouth[1] > 1.2 * found.mouth[0]
