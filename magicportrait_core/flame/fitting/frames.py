"""Every frame's own parameters for a known identity, with a camera that moves smoothly.

Turn, log scale and place are tied from frame to frame by a random walk. All else is eliminated
within its frame, and what remains is one banded system over the clip; memory is a few hundred
numbers a frame.
"""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import torch
from scipy.linalg import solveh_banded
from torch import Tensor

from ..rotations import axis_angle
from .equations import (
    FIRST_LOCAL,
    Observations,
    Priors,
    linearise,
    local_cost,
    normal_equations,
)
from .identity import moved
from .points import HeadPoints, PointState

CHUNK = 32  #: frames whose derivatives are held at once


def fit_frames(
    points: HeadPoints,
    state: PointState,
    obs: Observations,
    priors: Priors,
    steps: int,
    tick=lambda done, total: None,
) -> PointState:
    """Damped Gauss-Newton; a frame that a step makes worse keeps its state and is damped more."""
    t = len(state.turn)
    damping = torch.full((t,), 1e-4, dtype=torch.float64)
    cost = frame_costs(points, state, obs, priors)
    for step in range(steps):
        tick(step, steps)
        tried = moved(state, _steps(points, state, obs, priors, damping))
        new = frame_costs(points, tried, obs, priors)
        # the walk's share is not in a frame's own cost: a little worse is accepted
        better = new <= cost + 0.5
        state = _choose(better, tried, state)
        gain = torch.where(better, cost - new, 0).abs().amax()
        cost = torch.where(better, new, cost)
        damping = torch.where(better, damping / 4, damping * 20).clamp(1e-7, 1e4)
        if bool(better.all()) and float(gain) < 1e-2:
            break
    tick(steps, steps)
    return state


def frame_costs(points: HeadPoints, state: PointState, obs: Observations, priors: Priors) -> Tensor:
    """(t,) float64: half the robust squared residuals and priors of each frame."""
    precision = priors.local(points)
    # filled in place: small results kept between large buffers would tear the heap to pieces
    costs = torch.empty(len(state.turn), dtype=torch.float64)
    for start in range(0, len(state.turn), CHUNK):
        rows = slice(start, start + CHUNK)
        part = state.frames(rows)
        seen = obs.frames(rows)
        costs[rows] = linearise(points(part), part, seen, priors).cost.double()
        costs[rows] += local_cost(part, seen, precision)
    return costs


def _steps(
    points: HeadPoints, state: PointState, obs: Observations, priors: Priors, damping: Tensor
) -> Tensor:
    """(t, 6 + num_local) float64: the Gauss-Newton step of all frames together."""
    t, precision = len(state.turn), priors.local(points)
    tied = FIRST_LOCAL  # the first so many parameters
    reduced = torch.empty(t, tied, tied, dtype=torch.float64)
    pull = torch.empty(t, tied, dtype=torch.float64)
    held = torch.empty(t, points.num_local, tied + 1, dtype=torch.float64)
    for start in range(0, t, CHUNK):
        rows = slice(start, start + CHUNK)
        part = state.frames(rows)
        seen = obs.frames(rows)
        linear = linearise(points(part), part, seen, priors)
        hessian, gradient = normal_equations(linear, part, seen, precision)
        hessian.diagonal(dim1=1, dim2=2).mul_(1 + damping[rows, None])
        cross = hessian[:, tied:, :tied]
        right = torch.cat([cross, gradient[:, tied:, None]], -1)
        held[rows] = torch.cholesky_solve(right, torch.linalg.cholesky(hessian[:, tied:, tied:]))
        removed = cross.transpose(1, 2) @ held[rows]
        reduced[rows] = hessian[:, :tied, :tied] - removed[..., :tied]
        pull[rows] = gradient[:, :tied] - removed[..., tied]
    walked = _walk(reduced, pull, state, obs, priors)
    rest = held[..., tied] - (held[..., :tied] @ walked[..., None])[..., 0]
    return torch.cat([walked, rest], 1)


def _walk(
    blocks: Tensor, pull: Tensor, state: PointState, obs: Observations, priors: Priors
) -> Tensor:
    """Solve (t, 6, 6) blocks tied by a random walk over time for the step (t, 6)."""
    t, n = pull.shape
    spread = [*[priors.turn_walk] * 3, priors.scale_walk, *[priors.place_walk] * 2]
    spread = torch.tensor(spread, dtype=torch.float64)
    tie = 1 / (spread.square() * obs.gap[1:, None].double())  # (t - 1, 6), 0 over a cut
    turned = axis_angle(state.turn[1:] @ state.turn[:-1].transpose(1, 2))
    camera = torch.cat([state.log_scale[:, None], state.place], 1)
    tension = tie * torch.cat([turned, camera[1:] - camera[:-1]], 1).double()
    pull = pull.clone()
    pull[:-1] += tension
    pull[1:] -= tension
    diagonal = blocks.diagonal(dim1=1, dim2=2).clone()
    diagonal[:-1] += tie
    diagonal[1:] += tie
    band = np.zeros((n + 1, n * t))  # upper form: band[n - d, j] is the element (j - d, j)
    band[n] = diagonal.reshape(-1)
    for distance in range(1, n):
        for column in range(distance, n):
            band[n - distance, column::n] = blocks[:, column - distance, column]
    band[0, n:] = -tie.reshape(-1)
    return torch.from_numpy(solveh_banded(band, pull.reshape(-1).numpy())).reshape(t, n)


def _choose(where: Tensor, one: PointState, other: PointState) -> PointState:
    """Frame by frame: ``one`` where true."""
    names = ("expression", "eyelids", "jaw", "turn", "log_scale", "place")
    mixed = {}
    for name in names:
        a, b = getattr(one, name), getattr(other, name)
        mixed[name] = torch.where(where.reshape(-1, *[1] * (a.ndim - 1)), a, b)
    return replace(one, **mixed)
