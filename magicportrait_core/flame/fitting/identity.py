"""What is the same in all frames: the shape, where the landmarks lie, how near the camera is.

Solved over a few frames together with their own parameters, which are eliminated frame by frame
(Schur complement): Triggs et al. 2000, section 6, https://doi.org/10.1007/3-540-44480-7_21.
"""

from __future__ import annotations

from dataclasses import replace

import torch
from torch import Tensor

from ..lbs import rotation_matrix
from ..rotations import axis_angle
from .equations import (
    Linear,
    Observations,
    Priors,
    linearise,
    local_cost,
    normal_equations,
)
from .points import Derivatives, HeadPoints, PointState

CHUNK = 8  #: frames whose dense derivatives are held at once


def fit_identity(
    points: HeadPoints, state: PointState, obs: Observations, priors: Priors, steps: int
) -> PointState:
    """Levenberg-Marquardt over all parameters of the frames given (a few dozen)."""
    damping, best = 1e-3, _total(points, state, obs, priors)
    for _ in range(steps):
        tried = _step(points, state, obs, priors, damping)
        cost = _total(points, tried, obs, priors)
        change = abs(best - cost)
        if cost < best:
            state, best = tried, cost
            damping = max(damping / 5, 1e-6)
        else:
            damping *= 10
        if change < 1e-4 * best:
            break
    return state


def moved(state: PointState, step: Tensor) -> PointState:
    """The state after a step of the frames' own parameters, (t, 6 + num_local)."""
    step = step.to(state.turn)
    lids = state.eyelids.shape[1]
    jaw = rotation_matrix(step[:, 6:9]) @ rotation_matrix(state.jaw)
    return replace(
        state,
        turn=rotation_matrix(step[:, :3]) @ state.turn,
        log_scale=state.log_scale + step[:, 3],
        place=state.place + step[:, 4:6],
        jaw=axis_angle(jaw),
        eyelids=state.eyelids + step[:, 9 : 9 + lids],
        expression=state.expression + step[:, 9 + lids :],
    )


def _total(points: HeadPoints, state: PointState, obs: Observations, priors: Priors) -> float:
    """The cost that is minimised."""
    linear = linearise(points(state), state, obs, priors)
    mean, spread = priors.nearness
    shape = state.shape.double()
    shared = shape @ priors.identity(points) @ shape
    shared = shared + (state.offset / points.slack[:, None]).square().sum()
    shared = (shared + ((state.nearness - mean) / spread) ** 2) / 2
    precision = priors.local(points)
    hessian, _ = normal_equations(linear, state, obs, precision)
    spread = torch.linalg.slogdet(hessian).logabsdet.sum() / 2
    local = local_cost(state, obs, precision).sum()
    return float(linear.cost.sum() + local + shared + spread)


def _pull_of_spread(
    at: Derivatives, state: PointState, linear: Linear, covariance: Tensor
) -> Tensor:
    """(t, k, 3) derivative of half the log determinants of the frames' Hessians by the points.

    Least squares takes every frame's turn and expression at their best values, which favours a
    head whose points make them small: too deep a face turns too little. Integrating over them
    instead (Laplace's approximation) adds the log determinants. Of a frame's derivatives those by
    turn and by scale depend on where the points are, linearly.

    covariance: (t, p, p), the inverse Hessians. Returned is in the camera's axes.
    """
    t, k = linear.root_weight.shape[:2]
    near = linear.by_point[..., 0, 0] * linear.root_weight[..., 0]  # (t, k)
    blur = (linear.frame @ covariance[:, :, :4].float()).reshape(t, k, 3, 4)[:, :, :2]
    (_, turn_y, turn_z, grow), (tilt_x, _, tilt_z, lift) = (
        row.unbind(-1) for row in blur.unbind(2)
    )
    # x: near * (turn.y z - turn.z y + grow x); y, down: -near * (turn.z x - turn.x z + grow y)
    by_x = grow - tilt_z
    by_y = -turn_z - lift
    by_z = turn_y + tilt_x
    return near[..., None] * torch.stack([by_x, by_y, by_z], -1)


def _step(
    points: HeadPoints, state: PointState, obs: Observations, priors: Priors, damping: float
) -> PointState:
    """One Levenberg-Marquardt step; shared parameters are nearness, shape, then the offsets."""
    n, k = 1 + len(state.shape), len(state.offset)
    size = n + 3 * k
    shared, pull = torch.zeros(size, size, dtype=torch.float64), torch.zeros(size).double()
    precision, held = priors.local(points), []
    for start in range(0, len(state.turn), CHUNK):
        rows = slice(start, start + CHUNK)
        part, seen = state.frames(rows), obs.frames(rows)
        at = points(part, with_shape=True)
        linear = linearise(at, part, seen, priors)
        hessian, gradient = normal_equations(linear, part, seen, precision)
        hessian.diagonal(dim1=1, dim2=2).mul_(1 + damping)
        cross = _add_shared(at, part, linear, shared, pull)
        solved = torch.linalg.solve(hessian, torch.cat([cross, gradient[..., None]], -1))
        spread = _pull_of_spread(at, part, linear, torch.linalg.inv(hessian))
        pull[1:n] -= torch.einsum("tka,tkan->n", spread, at.shape).double()
        pull[n:] -= torch.einsum("tka,tab->kb", spread, part.turn).reshape(-1).double()
        flat = cross.reshape(-1, size)
        # the priors hold every shared parameter by far more than what float32 loses here
        shared -= (flat.T.float() @ solved[..., :-1].reshape(-1, size).float()).double()
        pull -= flat.T @ solved[..., -1].reshape(-1)
        held.append(solved)
    mean, spread = priors.nearness
    now = torch.cat(
        [torch.tensor([state.nearness]), state.shape, state.offset.reshape(-1)]
    ).double()
    stiff = torch.zeros(size, size, dtype=torch.float64)
    stiff.diagonal()[n:] = points.slack.double().repeat_interleave(3) ** -2
    stiff[0, 0], stiff[1:n, 1:n] = spread**-2, priors.identity(points)
    rest = torch.zeros(size, dtype=torch.float64)
    rest[0] = mean
    pull -= stiff @ (now - rest)
    shared += stiff
    shared.diagonal().mul_(1 + damping)
    change = torch.linalg.solve(shared, pull)
    own = torch.cat([s[..., -1] - s[..., :-1] @ change for s in held])
    new = (now + change).float()
    offset = new[n:].reshape(k, 3)
    return moved(replace(state, nearness=float(new[0]), shape=new[1:n], offset=offset), own)


def _add_shared(
    at: Derivatives, state: PointState, linear: Linear, shared: Tensor, pull: Tensor
) -> Tensor:
    """Add what these frames say of the shared parameters to their Hessian and gradient.

    A point's offset moves that point alone: its part of the Hessian is 3x3 blocks. Returns the
    frames' cross terms, (t, 6 + num_local, size) float64.
    """
    t, k = linear.root_weight.shape[:2]
    root = linear.root_weight[..., None]
    x, y, z = at.points.unbind(-1)
    near = linear.by_point[..., 0, 0]
    pulled = near * near / state.log_scale.exp()[:, None] * z
    nearness = torch.stack([pulled * x, -pulled * y, torch.zeros_like(x)], -1)[..., None]
    dense = torch.cat([nearness, linear.by_point @ at.shape], -1) * root  # (t, k, 3, n)
    own = linear.by_point @ state.turn[:, None] * root  # (t, k, 3, 3)
    n = dense.shape[-1]
    flat, residual = dense.reshape(-1, n), linear.residual.reshape(t, k, 3)
    shared[:n, :n] += (flat.T @ flat).double()
    mixed = torch.einsum("tkcn,tkco->nko", dense, own).reshape(n, -1).double()
    shared[:n, n:] += mixed
    shared[n:, :n] += mixed.T
    blocks = shared[n:, n:].unflatten(0, (k, 3)).unflatten(2, (k, 3))
    each = torch.arange(k)
    blocks[each, :, each] += torch.einsum("tkco,tkcp->kop", own, own).double()
    pull[:n] += (flat.T @ residual.reshape(-1)).double()
    pull[n:] += torch.einsum("tkco,tkc->ko", own, residual).reshape(-1).double()
    frame = linear.frame.reshape(t, k, 3, -1)
    by_dense = linear.frame.transpose(1, 2) @ dense.reshape(t, 3 * k, n)
    by_own = (frame.transpose(2, 3) @ own).transpose(1, 2).reshape(t, -1, 3 * k)
    return torch.cat([by_dense, by_own], -1).double()
