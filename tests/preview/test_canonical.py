"""Head poses are recovered exactly and are rotations whatever comes."""

import pytest
import torch

from magicportrait_core.preview.canonical import (
    HeadPose,
    canonical_face,
    fit_similarity,
    head_frame,
    rigid_weights,
)
from magicportrait_core.preview.rotation import from_euler
from magicportrait_core.topology import LEFT_EYE_OUTER, RIGHT_EYE_OUTER


@pytest.fixture
def pose():
    angles = torch.tensor([[0.0, 0, 0], [30, -20, 10], [-50, 25, -40]])
    center = torch.tensor([[256.0, 256, 0], [10, -40, 5], [900, 300, -80]])
    return HeadPose(from_euler(*angles.T), torch.tensor([100.0, 33, 410]), center)


def test_a_known_pose_is_recovered(pose):
    face = canonical_face()
    found = fit_similarity(face, pose.to_pixels(face[None].expand(3, -1, -1)), rigid_weights())
    torch.testing.assert_close(found.rotation, pose.rotation, atol=1e-5, rtol=0)
    torch.testing.assert_close(found.scale, pose.scale, atol=0, rtol=1e-5)
    torch.testing.assert_close(found.center, pose.center, atol=1e-2, rtol=0)


def test_points_of_no_weight_do_not_matter(pose):
    face, weights = canonical_face(), rigid_weights()
    pixels = pose.to_pixels(face[None].expand(3, -1, -1))
    pixels[:, weights == 0] += 50 * torch.randn(3, int((weights == 0).sum()), 3)
    found = fit_similarity(face, pixels, weights)
    torch.testing.assert_close(found.rotation, pose.rotation, atol=1e-5, rtol=0)


@pytest.mark.parametrize("what", ["mirrored", "flat", "a line", "one point"])
def test_a_fit_is_a_rotation(what):
    face = canonical_face()
    keep = {"mirrored": [-1.0, 1, 1], "flat": [1.0, 1, 0], "a line": [1.0, 0, 0]}
    target = face * torch.tensor(keep.get(what, [0.0, 0, 0]))
    found = fit_similarity(face, target[None], rigid_weights())
    r = found.rotation[0]
    assert torch.linalg.det(r) == pytest.approx(1, abs=1e-4)
    torch.testing.assert_close(r @ r.T, torch.eye(3), atol=1e-5, rtol=0)


def test_pixels_and_canonical_are_inverse(pose):
    points = torch.randn(3, 20, 3, generator=torch.Generator().manual_seed(0))
    torch.testing.assert_close(pose.to_canonical(pose.to_pixels(points)), points, atol=1e-4, rtol=0)


def test_the_head_frame_is_one_for_all_frames(pose):
    """Of a rigid head in three poses: one shape, its eye corners 1 apart about the origin."""
    generator = torch.Generator().manual_seed(0)
    own = canonical_face() + 0.01 * torch.randn(478, 3, generator=generator)
    found, shape = head_frame(pose.to_pixels(own[None].expand(3, -1, -1)))
    torch.testing.assert_close(shape[1:], shape[:1].expand(2, -1, -1), atol=1e-3, rtol=0)
    corners = shape[:, RIGHT_EYE_OUTER], shape[:, LEFT_EYE_OUTER]
    torch.testing.assert_close(
        (corners[0] - corners[1]).norm(dim=1), torch.ones(3), atol=1e-3, rtol=0
    )
    torch.testing.assert_close(corners[0] + corners[1], torch.zeros(3, 3), atol=2e-3, rtol=0)
    relative = found.rotation[1] @ found.rotation[0].T
    torch.testing.assert_close(relative, pose.rotation[1], atol=1e-3, rtol=0)


def test_weights_leave_out_what_moves():
    weights = rigid_weights()
    assert weights.shape == (478,)
    assert (weights >= 0).all()
    for moving in (13, 14, 159, 145, 152, 66, 468):  # lips, lids, chin, brow, iris
        assert weights[moving] == 0
