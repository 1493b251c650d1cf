"""Fitted points are the head model's own, and their derivatives are those of differences."""

from dataclasses import replace

import pytest
import torch

from magicportrait_core.flame.fitting.identity import moved
from magicportrait_core.flame.fitting.points import cross_columns, generators
from magicportrait_core.flame.landmarks import points_on_faces
from magicportrait_core.flame.lbs import rotation_matrix
from magicportrait_core.flame.rotations import axis_angle
from magicportrait_core.types import HeadParams

STEP = 1e-2


def test_points_are_those_of_the_posed_head(small_head, embedding, points, state):
    t = len(state.turn)
    state = replace(state, offset=torch.zeros_like(state.offset))
    params = HeadParams(
        state.shape, state.expression, axis_angle(state.turn), state.jaw, torch.zeros(t, 3),
        torch.zeros(t, 6), state.eyelids, small_head.basis,
    )  # fmt: skip
    shaped = small_head.shaped(params.shape)
    posed, joints = shaped.posed(params)
    wanted = points_on_faces(posed.mT, small_head.faces, embedding)
    root = joints[:, 0]
    pivot = (state.turn @ (points.pivot - root)[..., None])[..., 0] + root
    torch.testing.assert_close(points(state).points, wanted - pivot[:, None], rtol=0, atol=1e-6)


def test_derivatives_by_a_frames_own_parameters(points, state):
    local = points(state).local
    for column in range(points.num_local):
        step = torch.zeros(len(state.turn), 6 + points.num_local)
        step[:, 6 + column] = STEP
        ahead, back = points(moved(state, step)).points, points(moved(state, -step)).points
        slope = (ahead - back) / (2 * STEP)
        torch.testing.assert_close(local[..., column], slope, rtol=2e-3, atol=2e-5)


def test_derivatives_by_the_shape(points, state):
    by_shape = points(state, with_shape=True).shape
    for column in range(4):
        step = STEP * torch.eye(4)[column]
        ahead = points(replace(state, shape=state.shape + step)).points
        back = points(replace(state, shape=state.shape - step)).points
        slope = (ahead - back) / (2 * STEP)
        torch.testing.assert_close(by_shape[..., column], slope, rtol=2e-3, atol=2e-5)


def test_a_similarity_is_all_similarity(points):
    rest = points.still.template + points.swung.template
    arm = rest - rest.mean(0)
    turned = torch.linalg.cross(torch.tensor([0.0, 1, 0]).expand_as(arm), arm)
    basis = torch.stack([turned, 0.1 * arm, torch.tensor([0.0, 0, 0.02]).expand_as(arm)])
    part = points.similarity_part(basis)
    wanted = torch.zeros(7, 3)
    wanted[1, 0], wanted[6, 1], wanted[5, 2] = 1, 0.1, 0.02
    torch.testing.assert_close(part, wanted, rtol=0, atol=1e-4)


def test_a_strain_is_no_similarity(points):
    rest = points.still.template + points.swung.template
    x, y, z = (rest - rest.mean(0)).unbind(-1)
    zero = torch.zeros_like(x)
    crooked, deep = torch.stack([z, zero, x], -1), torch.stack([zero, zero, 0.3 * z], -1)
    turned = torch.stack([z, zero, -x], -1)
    part = points.strain_part(
        torch.stack([crooked, deep, turned, 0.1 * torch.stack([x, y, z], -1)])
    )
    wanted = torch.zeros(4, 4)
    wanted[1, 0], wanted[3, 1] = 1, 0.3
    torch.testing.assert_close(part, wanted, rtol=0, atol=1e-4)


@pytest.mark.parametrize("axis", range(3))
def test_generators_and_cross_columns_turn_alike(axis):
    point = torch.tensor([0.3, -0.2, 0.5])
    small = rotation_matrix(1e-3 * torch.eye(3)[axis]) @ point
    wanted = (small - point) / 1e-3
    torch.testing.assert_close(generators()[axis] @ point, wanted, rtol=0, atol=1e-3)
    torch.testing.assert_close(cross_columns(point)[:, axis], wanted, rtol=0, atol=1e-3)
