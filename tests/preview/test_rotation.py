"""Angles: signs, round trip, and the limit that eases."""

import pytest
import torch

from magicportrait_core.preview.canonical import canonical_face
from magicportrait_core.preview.rotation import (
    PITCH_LIMIT,
    ROLL_LIMIT,
    YAW_LIMIT,
    ease,
    from_euler,
    to_euler,
    turn_from,
)
from magicportrait_core.topology import FOREHEAD, NOSE_TIP

NONE = torch.zeros(1)


@pytest.fixture
def angles():
    """Yaw, pitch, roll (50,) degrees."""
    spread = torch.tensor([[170.0], [85.0], [170.0]])
    return spread * (2 * torch.rand(3, 50, generator=torch.Generator().manual_seed(0)) - 1)


def test_round_trip(angles):
    for found, given in zip(to_euler(from_euler(*angles)), angles, strict=True):
        torch.testing.assert_close(found, given, atol=0.05, rtol=0)


def test_rotations_are_proper(angles):
    r = from_euler(*angles)
    torch.testing.assert_close(r @ r.mT, torch.eye(3).expand(50, 3, 3), atol=1e-5, rtol=0)
    torch.testing.assert_close(torch.linalg.det(r), torch.ones(50), atol=1e-5, rtol=0)


def test_signs():
    face, ten = canonical_face(), torch.full((1,), 10.0)
    nose, top = face[NOSE_TIP], face[FOREHEAD]
    assert (from_euler(ten, NONE, NONE)[0] @ nose)[0] > nose[0] + 0.02  # right
    assert (from_euler(NONE, ten, NONE)[0] @ nose)[1] < nose[1] - 0.02  # up
    assert (from_euler(NONE, NONE, ten)[0] @ top)[0] > top[0] + 0.02  # clockwise


@pytest.mark.parametrize("limit", [YAW_LIMIT, PITCH_LIMIT, ROLL_LIMIT])
def test_ease(limit):
    start, most = limit
    angle = torch.linspace(-180, 180, 3601, dtype=torch.float64)
    eased = ease(angle, limit)
    below = angle.abs() <= start
    torch.testing.assert_close(eased[below], angle[below])
    torch.testing.assert_close(eased, -eased.flip(0))
    steps = eased.diff()
    assert (steps >= 0).all()
    assert (steps <= angle.diff() + 1e-9).all()  # never faster than the turn itself
    assert (steps.diff().abs() < 0.005).all()  # no kink
    assert eased.abs().max() <= most


def test_no_turn_is_no_turn(angles):
    angles = angles / 4
    start, own = from_euler(*angles), from_euler(*angles[:, :1])[0]
    turned = turn_from(start, start, own, (1.5, 0.7, 1.0))
    torch.testing.assert_close(turned, torch.eye(3).expand(50, 3, 3), atol=1e-5, rtol=0)


def test_gain_0_is_no_turn(angles):
    start, to = from_euler(*angles), from_euler(*angles.flip(1))
    turned = turn_from(start, to, torch.eye(3), (0.0, 0.0, 0.0))
    torch.testing.assert_close(turned, torch.eye(3).expand(50, 3, 3), atol=1e-5, rtol=0)


def test_a_level_head_turns_as_told():
    to = from_euler(*torch.tensor([[20.0], [-10.0], [15.0]]))
    turned = turn_from(torch.eye(3), to, torch.eye(3), (0.5, 1.0, 1.2))
    found = torch.stack(to_euler(turned))[:, 0]
    torch.testing.assert_close(found, torch.tensor([10.0, -10.0, 18.0]), atol=1e-3, rtol=0)


def test_a_far_turn_stays_within_the_limits():
    to = from_euler(*torch.tensor([[80.0], [-60.0], [85.0]]))
    found = torch.stack(to_euler(turn_from(torch.eye(3), to, torch.eye(3), (2.0, 2.0, 2.0))))[:, 0]
    most = torch.tensor([YAW_LIMIT[1], PITCH_LIMIT[1], ROLL_LIMIT[1]])
    assert (found.abs() <= most + 1e-3).all()
    assert (found.sign() == torch.tensor([1.0, -1.0, 1.0])).all()
