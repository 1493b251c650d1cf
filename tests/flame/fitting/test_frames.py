"""The banded solution is that of one large dense system; frames converge."""

from dataclasses import replace

import torch

from magicportrait_core.flame.fitting import frames
from magicportrait_core.flame.fitting.equations import linearise, normal_equations
from magicportrait_core.flame.fitting.frames import fit_frames, frame_costs
from magicportrait_core.flame.rotations import axis_angle


def dense_step(fit, damping):
    """The slow twin of frames._steps: every frame's parameters and the walk in one matrix."""
    precision = fit.priors.local(fit.points)
    linear = linearise(fit.points(fit.state), fit.state, fit.obs, fit.priors)
    hessian, gradient = normal_equations(linear, fit.state, fit.obs, precision)
    hessian.diagonal(dim1=1, dim2=2).mul_(1 + damping[:, None])
    t, p = gradient.shape
    whole = torch.block_diag(*hessian)
    pull = gradient.clone()
    walks = (*[fit.priors.turn_walk] * 3, fit.priors.scale_walk, *[fit.priors.place_walk] * 2)
    for late in range(1, t):
        early = late - 1
        turned = axis_angle(fit.state.turn[late] @ fit.state.turn[early].T)
        grown = (fit.state.log_scale[late] - fit.state.log_scale[early])[None]
        way = torch.cat([turned, grown, fit.state.place[late] - fit.state.place[early]])
        for column, spread in enumerate(walks):
            tie = 1 / (spread**2 * float(fit.obs.gap[late]))
            a, b = early * p + column, late * p + column
            whole[a, a] += tie
            whole[b, b] += tie
            whole[a, b] -= tie
            whole[b, a] -= tie
            pull[early, column] += tie * way[column]
            pull[late, column] -= tie * way[column]
    return torch.linalg.solve(whole, pull.reshape(-1)).reshape(t, p)


def test_the_band_is_the_dense_system(fit, monkeypatch):
    monkeypatch.setattr(frames, "CHUNK", 3)
    damping = torch.linspace(1e-4, 1e-2, len(fit.state.turn), dtype=torch.float64)
    step = frames._steps(fit.points, fit.state, fit.obs, fit.priors, damping)
    torch.testing.assert_close(step, dense_step(fit, damping), rtol=1e-4, atol=1e-5)


def test_frames_come_back_to_what_was_seen(fit):
    """From another place the fit returns to a cost no higher than the truth's."""
    truth = frame_costs(fit.points, fit.state, fit.obs, fit.priors)
    start = replace(
        fit.state,
        expression=torch.zeros_like(fit.state.expression),
        jaw=torch.zeros_like(fit.state.jaw),
        place=fit.state.place + 0.05,
    )
    ticks = []
    found = fit_frames(
        fit.points, start, fit.obs, fit.priors, 15, lambda done, n: ticks.append((done, n))
    )
    cost = frame_costs(fit.points, found, fit.obs, fit.priors)
    assert (cost <= truth + 0.5).all()
    assert torch.equal(found.shape, fit.state.shape)
    assert ticks[0] == (0, 15)
    assert ticks[-1] == (15, 15)


def test_a_cut_is_not_walked_over(fit):
    fit.state.place[4:] += 0.5
    fit.obs.seen[4:, :, :2] += 0.5
    found = fit_frames(fit.points, fit.state, fit.obs, fit.priors, 8)
    assert ((found.place[4] - found.place[3]) > 0.2).any()
