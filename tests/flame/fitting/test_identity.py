"""The identity is found from frames, and integrated over their own parameters."""

from dataclasses import replace

import torch

from magicportrait_core.flame.fitting.equations import linearise, normal_equations, project
from magicportrait_core.flame.fitting.identity import _pull_of_spread, _total, fit_identity
from magicportrait_core.flame.fitting.rigid import rigid_pose, spread_frames
from magicportrait_core.flame.lbs import rotation_matrix


def test_the_cost_goes_down_and_the_shape_comes_back(fit):
    start = replace(
        fit.state, shape=torch.zeros(4), offset=torch.zeros_like(fit.state.offset), nearness=1.25
    )
    found = fit_identity(fit.points, start, fit.obs, fit.priors, 20)
    before = _total(fit.points, start, fit.obs, fit.priors)
    assert _total(fit.points, found, fit.obs, fit.priors) < before - 1
    rest, true = fit.points.at_rest(found), fit.points.at_rest(fit.state)
    first = fit.points.at_rest(start)
    assert (rest - true).norm() < 0.8 * (first - true).norm()


def test_the_spreads_slope_is_that_of_the_log_determinants(fit):
    """By a point's offset, all else held, against differences in float64-sized steps."""
    precision = fit.priors.local(fit.points)
    near = replace(fit.state, nearness=0.0, expression=0 * fit.state.expression)

    def hessian(state):
        linear = linearise(fit.points(state), state, fit.obs, fit.priors)
        # the residuals' weights are held: robust weights would move with the offset
        return normal_equations(linear, state, fit.obs, precision)[0]

    plain = replace(fit.priors, outlier=1e9)
    fit.priors = plain
    at, linear = fit.points(near), linearise(fit.points(near), near, fit.obs, plain)
    pull = _pull_of_spread(at, near, linear, torch.linalg.inv(hessian(near)))
    by_offset = torch.einsum("tka,tab->kb", pull, near.turn)
    for point, axis in ((0, 0), (3, 1), (7, 2), (11, 2)):
        step = torch.zeros_like(near.offset)
        step[point, axis] = 2e-3
        ahead, back = (
            torch.linalg.slogdet(hessian(replace(near, offset=near.offset + s))).logabsdet.sum()
            for s in (step, -step)
        )
        slope = float((ahead - back) / 2 / 4e-3)
        assert abs(float(by_offset[point, axis]) - slope) < 0.05 * abs(slope) + 0.5


def test_rigid_pose_is_exact_without_noise(random):
    points = torch.randn(30, 3, generator=random) * 0.05
    pivot = torch.tensor([0.01, 0.0, -0.05])
    turn = rotation_matrix(0.6 * torch.randn(9, 3, generator=random))
    log_scale, place = torch.linspace(1, 2, 9), torch.randn(9, 2, generator=random)
    turned = (points - pivot) @ turn.mT
    seen = turned[..., :2] * torch.tensor([1.0, -1.0]) * log_scale.exp()[:, None, None]
    seen = seen + place[:, None]
    found = rigid_pose(points, seen, torch.rand(30, generator=random) + 0.1, pivot)
    for got, wanted in zip(found, (turn, log_scale, place), strict=True):
        torch.testing.assert_close(got, wanted, rtol=1e-4, atol=1e-5)


def test_key_frames_show_every_side():
    yaw = torch.zeros(400)
    yaw[190:202] = 0.7  # between the frames that are even in time
    turn = rotation_matrix(torch.stack([0 * yaw, yaw, 0 * yaw], 1))
    keys = spread_frames(turn, 48)
    assert len(keys) <= 48
    assert torch.isin(keys, torch.arange(190, 202)).any()
    assert torch.equal(keys, keys.sort().values)
    assert torch.equal(spread_frames(turn[:5], 48), torch.arange(5))


def test_projection_of_the_truth_has_no_residual(fit):
    seen, _ = project(fit.points(fit.state).points, fit.state)
    exact = replace(fit.obs, seen=seen)
    linear = linearise(fit.points(fit.state), fit.state, exact, fit.priors)
    assert linear.residual.abs().max() < 1e-3
