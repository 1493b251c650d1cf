"""Normal equations are those of the weighted residuals, and depth is calibrated before use."""

from dataclasses import replace

import pytest
import torch

from magicportrait_core.flame.fitting.equations import (
    Facing,
    Priors,
    calibrated,
    linearise,
    local_cost,
    local_values,
    normal_equations,
    project,
)
from magicportrait_core.flame.fitting.identity import moved
from magicportrait_core.flame.fitting.points import HeadPoints
from magicportrait_core.flame.lbs import rotation_matrix


def test_projection_near_and_far(state):
    """A point nearer than the pivot is seen larger; y is down; depth grows away from the viewer."""
    points = torch.tensor([[0.1, 0.2, 0.1], [0.1, 0.2, -0.1]]).expand(len(state.turn), 2, 3)
    seen, by_point = project(points, state)
    away = seen[..., :2] - state.place[:, None]
    assert (away[:, 0, 0] > away[:, 1, 0]).all()
    assert (away[..., 1] < 0).all()
    assert (seen[:, 0, 2] < seen[:, 1, 2]).all()
    for axis in range(3):
        step = 1e-3 * torch.eye(3)[axis]
        slope = (project(points + step, state)[0] - project(points - step, state)[0]) / 2e-3
        torch.testing.assert_close(by_point[..., axis], slope, rtol=1e-3, atol=1e-3)


@pytest.mark.parametrize("believed", [False, True])
def test_the_gradient_is_the_slope_of_the_cost(fit, believed):
    precision = fit.priors.local(fit.points)
    if believed:
        aside = rotation_matrix(torch.tensor([0.1, -0.2, 0.05]))
        fit.obs = replace(fit.obs, facing=Facing(aside @ fit.state.turn, 3e4))

    def cost(state):
        linear = linearise(fit.points(state), state, fit.obs, fit.priors)
        return linear.cost.double() + local_cost(state, fit.obs, precision)

    linear = linearise(fit.points(fit.state), fit.state, fit.obs, fit.priors)
    _, gradient = normal_equations(linear, fit.state, fit.obs, precision)
    for column in range(gradient.shape[1]):
        step = torch.zeros_like(gradient)
        step[:, column] = 2e-3
        slope = (cost(moved(fit.state, step)) - cost(moved(fit.state, -step))) / 4e-3
        torch.testing.assert_close(-gradient[:, column], slope, rtol=0.03, atol=3.0)


def test_outliers_pull_less(fit):
    fit.obs.seen[0, 0, 0] += 10
    linear = linearise(fit.points(fit.state), fit.state, fit.obs, fit.priors)
    pull = (linear.residual.unflatten(1, (-1, 3)) * linear.root_weight)[0, 0]
    limit = fit.obs.trust[0, 0] * fit.priors.outlier / fit.priors.noise
    torch.testing.assert_close(pull[0], limit, rtol=1e-3, atol=0)  # not ten times as much


def test_held_frames_cost_more(fit):
    precision = fit.priors.local(fit.points)
    loose = local_cost(fit.state, fit.obs, precision)
    fit.obs.hold[1] = 100
    held = local_cost(fit.state, fit.obs, precision)
    torch.testing.assert_close(held[1], 100 * loose[1])
    assert torch.equal(held[2:], loose[2:])
    assert local_values(fit.state).dtype == torch.float64


def test_depth_keeps_its_swing_and_loses_its_factor(random):
    true = torch.randn(20, 30, generator=random)
    keys = torch.arange(0, 20, 2)
    network = 0.7 * true + torch.randn(30, generator=random) + 5 * torch.ones(20, 1)
    usable = calibrated(network, keys, true[keys])
    wanted = true - true.mean(1, keepdim=True)
    torch.testing.assert_close(usable, wanted, rtol=0, atol=5e-3)


def test_a_still_head_tells_no_factor(random):
    """One frame: the fit's own depth is taken, whatever the network says."""
    true, network = torch.randn(1, 30, generator=random), torch.randn(1, 30, generator=random)
    usable = calibrated(network, torch.tensor([0]), true)
    torch.testing.assert_close(usable, true - true.mean(1, keepdim=True))


def test_a_nearly_still_head_tells_no_factor(random):
    """Noise over noise is no factor: depth's own noise must not be blown up."""
    rest = torch.randn(30, generator=random)
    network = rest + 0.01 * torch.randn(40, 30, generator=random)
    fitted = rest + 0.001 * torch.randn(40, 30, generator=random)
    usable = calibrated(network, torch.arange(40), fitted)
    assert usable.std(0).mean() < 0.015


def test_without_expressions_jaw_and_eyelids_keep_their_priors(small_head, embedding):
    none = torch.zeros(0, dtype=torch.int64)
    many = len(embedding.faces)
    points = HeadPoints(
        small_head, embedding, torch.arange(4), none, torch.zeros(many), torch.full((many,), 0.002)
    )
    spread = torch.tensor([*Priors.jaw, Priors.eyelids, Priors.eyelids], dtype=torch.float64)
    torch.testing.assert_close(Priors().local(points), torch.diag(1 / spread.square()))
