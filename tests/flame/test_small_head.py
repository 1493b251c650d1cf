"""The small head is a head: what other tests take for granted about it."""

import torch

from magicportrait_core.flame.landmarks import points_on_faces
from magicportrait_core.types import HeadParams
from tests.small_head import NUM_EXPRESSION, NUM_SHAPE, small_track


def test_it_is_closed_and_faces_outwards(small_head):
    vertices = small_head.template.T
    a, b, c = vertices[small_head.faces].unbind(1)
    volume = (a * torch.linalg.cross(b, c)).sum() / 6
    assert 0.7 < volume / (4 / 3 * torch.pi * 0.08 * 0.12 * 0.1) < 1
    edges = small_head.faces[:, [0, 1, 1, 2, 2, 0]].reshape(-1, 2)
    assert {tuple(e) for e in edges.tolist()} == {tuple(e) for e in edges.flip(1).tolist()}
    assert len(vertices) == 62


def test_skinning_is_a_share(small_head):
    assert torch.allclose(small_head.skinning.sum(0), torch.ones(62))
    assert (small_head.skinning >= 0).all()


def test_landmarks_look_like_a_face(small_head):
    params = HeadParams.neutral(1, NUM_SHAPE, NUM_EXPRESSION, small_head.basis)
    points = points_on_faces(
        small_head.vertices(params), small_head.faces, small_head.landmarks.full
    )[0]
    assert points[36, 0] < points[39, 0] < 0 < points[42, 0] < points[45, 0]  # eyes
    assert points[37, 1] > points[41, 1]  # upper over lower lid
    assert points[62, 1] > points[66, 1]  # upper over lower lip
    assert points[8, 1] == points[:, 1].min()  # chin
    assert (points[17:, 2] > 0.04).all()  # all in front


def test_the_jaw_opens_the_mouth(small_head):
    params = HeadParams.neutral(2, NUM_SHAPE, NUM_EXPRESSION, small_head.basis)
    params.jaw_pose[1, 0] = 0.4
    points = points_on_faces(
        small_head.vertices(params), small_head.faces, small_head.landmarks.full
    )
    gap = (points[:, 62] - points[:, 66]).norm(dim=-1)
    assert gap[1] > 1.3 * gap[0]


def test_tracks_are_seeded(small_head):
    assert torch.equal(small_track(3).params.expression, small_track(3).params.expression)
    assert small_track(3).params.basis == small_head.basis
