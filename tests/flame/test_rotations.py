"""The log map, the way on the sphere, and the signs of yaw, pitch and roll."""

import itertools
import math

import pytest
import torch

from magicportrait_core.flame.lbs import rotation_matrix
from magicportrait_core.flame.rotations import (
    axis_angle,
    from_euler,
    slerp,
    to_euler,
    turned,
    wrapped,
)
from magicportrait_core.preview import rotation as picture


def _directions(count=200):
    generator = torch.Generator().manual_seed(0)
    axes = torch.randn(count, 3, generator=generator)
    return axes / axes.norm(dim=-1, keepdim=True)


def _angle_between(a, b):
    return axis_angle(rotation_matrix(a).mT @ rotation_matrix(b)).norm(dim=-1)


@pytest.mark.parametrize("angle", [0.0, 1e-8, 1e-4, 0.01, 0.5, 1.5, 2.5, 3.1, 3.14159])
def test_log_undoes_exp(angle):
    given = _directions() * angle
    assert (axis_angle(rotation_matrix(given)) - given).abs().max() < 5e-6


def test_log_is_good_to_the_last_digits_in_double():
    given = _directions().double() * torch.linspace(0, 3.14159, 200)[:, None]
    assert (axis_angle(rotation_matrix(given)) - given).abs().max() < 1e-9


def test_at_half_a_turn_either_axis_is_right():
    matrix = rotation_matrix(_directions() * math.pi)
    again = rotation_matrix(axis_angle(matrix))
    assert (again - matrix).abs().max() < 1e-5


def test_log_of_nothing_is_exactly_nothing():
    assert torch.equal(axis_angle(torch.eye(3).expand(4, 3, 3)), torch.zeros(4, 3))


@pytest.mark.parametrize("scale", [0.0, 1e-5, 0.5])
def test_log_has_finite_gradients(scale):
    given = (_directions(8) * scale).requires_grad_()
    axis_angle(rotation_matrix(given + 0)).sum().backward()
    assert given.grad.isfinite().all()


def test_slerp_keeps_its_ends_and_an_even_pace():
    a, b = _directions(10) * 0.4, _directions(20)[10:] * 1.2
    assert torch.equal(slerp(a, b, 0.0), a)
    assert torch.equal(slerp(a, b, torch.ones(10)), b)
    steps = [slerp(a, b, k / 4) for k in range(5)]
    pace = [_angle_between(x, y) for x, y in itertools.pairwise(steps)]
    for part in pace[1:]:
        assert (part - pace[0]).abs().max() < 1e-5
    assert (4 * pace[0] - _angle_between(a, b)).abs().max() < 1e-5


def test_slerp_takes_a_weight_for_each():
    a, b = torch.zeros(3, 3), torch.tensor([0.0, 1.0, 0.0]).expand(3, 3)
    found = slerp(a, b, torch.tensor([0.25, 0.5, 2.0]))
    expected = torch.tensor([[0, 0.25, 0], [0, 0.5, 0], [0, 2.0, 0]])
    assert torch.allclose(found, expected, atol=1e-6)


def test_turned_ignores_what_stands_to_the_left():
    start, first, then = _directions(30).reshape(3, 10, 3) * 0.7
    camera = rotation_matrix(torch.tensor([0.3, -0.8, 0.2]))
    seen_first, seen_then = (axis_angle(camera @ rotation_matrix(r)) for r in (first, then))
    aside = turned(start, seen_first, seen_then, 0.6)
    assert torch.allclose(turned(start, first, then, 0.6), aside, atol=1e-5)


NOSE = torch.tensor([0.0, 0.0, 1.0])
CROWN = torch.tensor([0.0, 1.0, 0.0])


@pytest.mark.parametrize(
    ("angles", "point", "coordinate"),
    [
        ((20, 0, 0), NOSE, 0),  # yaw: the nose goes to +x, the picture's right
        ((0, 20, 0), NOSE, 1),  # pitch: the nose goes up
        ((0, 0, 20), CROWN, 0),  # roll: the crown goes to the picture's right
    ],
)
def test_signs_are_the_packages(angles, point, coordinate):
    moved = rotation_matrix(from_euler(*map(torch.tensor, map(float, angles)))) @ point
    assert moved[coordinate] == pytest.approx(math.sin(math.radians(20)), abs=1e-6)


def test_angles_come_back():
    generator = torch.Generator().manual_seed(1)
    high = torch.tensor([179.0, 88.0, 179.0])
    given = (torch.rand(300, 3, generator=generator) * 2 - 1) * high
    found = torch.stack(to_euler(from_euler(*given.unbind(-1))), -1)
    assert (found - given).abs().max() < 0.01


def test_angles_are_those_of_the_preview():
    """One convention in the package: FLAME's axes are the preview's turned over."""
    generator = torch.Generator().manual_seed(2)
    angles = (torch.rand(20, 3, generator=generator) * 2 - 1) * 60
    over = torch.tensor([1.0, -1.0, -1.0])
    theirs = picture.from_euler(*angles.unbind(-1))
    ours = rotation_matrix(from_euler(*angles.unbind(-1)))
    assert torch.allclose(ours, over[:, None] * theirs * over, atol=1e-5)


def test_wrapped():
    assert wrapped(torch.tensor([190.0, -190.0, 10.0])).tolist() == [-170.0, 170.0, 10.0]
