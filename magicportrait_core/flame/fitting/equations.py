"""Residuals of landmarks, and the normal equations of a frame.

Projection: a point d before the camera (metres, relative to the pivot; `points.Derivatives`) is
seen at place + scale * (d.x, -d.y) / (1 - nearness * d.z): weak perspective, and what a near
camera adds to it, as seen along the ray to the head.

Parameters of a frame, in this order: turn 3 (radians, camera axes), log scale 1, place 2, then the
local ones: jaw 3, eyelids, expression.
"""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor

from ..rotations import axis_angle
from .points import Derivatives, HeadPoints, PointState, cross_columns

SURE_SWING = 0.02  #: picture units of depth by which a turning head moves its points
FIRST_LOCAL = 6  #: what comes before are turn and camera, tied from frame to frame


@dataclass(frozen=True)
class Facing:
    """Where the head is believed to face, before its shape is known."""

    turn: Tensor  #: (t, 3, 3) of a rigid head
    precision: float  #: 1 / radians squared, of each axis in each frame

    def frames(self, rows: Tensor | slice) -> Facing:
        """Some of the frames."""
        return Facing(self.turn[rows], self.precision)

    def strays(self, state: PointState) -> Tensor:
        """(t, 3) float64 radians by which the frames' turns differ, camera axes."""
        return axis_angle(state.turn @ self.turn.transpose(1, 2)).double()


@dataclass(frozen=True)
class Observations:
    """What was seen: landmarks in picture units, about one to a face's width."""

    seen: Tensor  #: (t, k, 3) y down, z away from the camera with any zero
    trust: Tensor  #: (t, k) 0..1
    gap: Tensor  #: (t,) frames since the one before, infinite after a cut; gap[0] is infinite
    hold: Tensor  #: (t,) factor on the precision of jaw, eyelids and expression, 1 but in neutral
    facing: Facing | None = None  #: believed beforehand; None: nothing is

    def frames(self, rows: Tensor | slice) -> Observations:
        """Some of the frames."""
        facing = None if self.facing is None else self.facing.frames(rows)
        parts = (self.seen, self.trust, self.gap, self.hold)
        return Observations(*(part[rows] for part in parts), facing)


@dataclass(frozen=True)
class Priors:
    """Standard deviations; what is not listed is free."""

    noise: float = 0.008  #: of a landmark, picture units
    depth_noise: float = 0.04  #: of its depth once it is calibrated
    outlier: float = 3.0  #: noise, from which on a residual counts linearly (Huber)
    shape: float = 1.0
    nearness: tuple[float, float] = (1.25, 0.1)  #: mean, 1 / metres
    jaw: tuple[float, float, float] = (0.2, 0.05, 0.05)  #: radians
    eyelids: float = 0.6
    expression: float = 1.0
    #: of the whole face by its shape or expression: radians, metres, share of its size
    similarity: tuple[float, float, float] = (0.01, 0.0006, 0.01)
    #: of the whole face by its shape or expression, radians; xy and xz make it crooked
    shear: tuple[float, float, float] = (0.02, 0.02, 0.04)
    deep: float = 0.04  #: of the whole face: how deep it is for its size, share
    skull: float = 0.001  #: metres, of each point of the skull by the expression
    #: of where a rigid head faces: radians, of the clip as a whole
    facing: float = 0.04
    turn_walk: float = 0.04  #: radians, a frame
    scale_walk: float = 0.01  #: of the log scale, a frame
    place_walk: float = 0.03  #: picture units, a frame

    def local(self, points: HeadPoints) -> Tensor:
        """(num_local, num_local) float64 precision of jaw, eyelids, expression."""
        lids, n = len(points.still.eyelids), len(points.expression_columns)
        spread = [*self.jaw, *[self.eyelids] * lids, *[self.expression] * n]
        precision = torch.diag(1 / torch.tensor(spread, dtype=torch.float64).square())
        basis = points.rest_basis()[1]
        first = len(spread) - n  # -n would be all of them where there is none
        precision[first:, first:] += self._held(points, basis)
        on_skull = (basis * points.skull.sqrt()[:, None]).flatten(1).double() / self.skull
        precision[first:, first:] += on_skull @ on_skull.T
        return precision

    def identity(self, points: HeadPoints) -> Tensor:
        """(n_s, n_s) float64 precision of the shape."""
        n = len(points.shape_columns)
        held = self._held(points, points.rest_basis()[0])
        return torch.eye(n, dtype=torch.float64) / self.shape**2 + held

    def _held(self, points: HeadPoints, basis: Tensor) -> Tensor:
        """Hold back what moves or strains the whole face.

        The camera tells turn, place and size already. And a crooked or a deep face looks, from
        where it is seen, like one that is turned elsewhere: a single picture tells them apart only
        by how likely such a face is.
        """
        turn, shift, growth = self.similarity
        spread = [*[turn] * 3, *[shift] * 3, growth, *self.shear, self.deep]
        part = torch.cat([points.similarity_part(basis), points.strain_part(basis)]).double()
        part = part / torch.tensor(spread, dtype=torch.float64)[:, None]
        return part.T @ part


@dataclass(frozen=True)
class Linear:
    """Residuals of t frames and their derivatives, weighted; rows are k points x 3."""

    residual: Tensor  #: (t, 3k) seen minus predicted
    frame: Tensor  #: (t, 3k, 6 + num_local)
    by_point: Tensor  #: (t, k, 3, 3) of where a point is seen by where it is, camera axes
    root_weight: Tensor  #: (t, k, 3)
    cost: Tensor  #: (t,) robust


def project(points: Tensor, state: PointState) -> tuple[Tensor, Tensor]:
    """Where points (t, k, 3) are seen, (t, k, 3), and its derivative by them (t, k, 3, 3).

    The third coordinate is depth by weak perspective, 0 at the pivot.
    """
    x, y, z = points.unbind(-1)
    scale = state.log_scale.exp()[:, None]
    near = scale / (1 - state.nearness * z)
    place = torch.nn.functional.pad(state.place, (0, 1))
    seen = torch.stack([near * x, -near * y, -scale * z], -1) + place[:, None]
    deeper = near * near / scale * state.nearness
    zero = torch.zeros_like(x)
    rows = [near, zero, deeper * x, zero, -near, -deeper * y, zero, zero, -scale.expand_as(z)]
    return seen, torch.stack(rows, -1).unflatten(-1, (3, 3))


def calibrated(depth: Tensor, keys: Tensor, fitted: Tensor) -> Tensor:
    """Depth as a fit may use it, (t, k) picture units.

    A network guesses depth: it flattens the face by a factor of its own and puts every point where
    faces have it, not this one. What is right is how depth changes as the head turns. So the
    factor, and each point's mean, are taken from frames that were fitted without it.

    Args:
        depth: (t, k) as the network gave it.
        keys: (n,) the frames that were fitted.
        fitted: (n, k) their depth.
    """
    given = depth - depth.mean(1, keepdim=True)
    fitted = fitted - fitted.mean(1, keepdim=True)
    middle, rest = given[keys].mean(0), fitted.mean(0)
    swing = fitted - rest
    # a head that hardly turns says nothing of the factor: it is 1 then
    sure = swing.numel() * SURE_SWING**2
    factor = (((given[keys] - middle) * swing).sum() + sure) / (swing.square().sum() + sure)
    return rest + (given - middle) / factor.clamp(0.3, 3)


def linearise(at: Derivatives, state: PointState, obs: Observations, priors: Priors) -> Linear:
    """Residuals and derivatives at a state, each row divided by its noise (Huber reweighted).

    Depth has no zero of its own: its residuals, and their derivatives, are taken from their mean
    over the points.
    """
    predicted, by_point = project(at.points, state)
    residual = obs.seen - predicted
    noise = residual.new_tensor([priors.noise, priors.noise, priors.depth_noise])
    t, k = residual.shape[:2]
    frame = torch.empty(t, k, 3, FIRST_LOCAL + at.local.shape[-1])
    frame[..., :3] = by_point @ cross_columns(at.points)
    frame[..., 3] = predicted
    frame[..., :2, 3] -= state.place[:, None]
    frame[..., 4:6] = torch.eye(3)[:, :2]
    frame[..., FIRST_LOCAL:] = by_point @ at.local
    residual[..., 2] -= residual[..., 2].mean(1, keepdim=True)
    frame[..., 2, :] -= frame[..., 2, :].mean(1, keepdim=True)
    flat, deep = residual[..., :2].norm(dim=-1), residual[..., 2].abs()
    size = torch.stack([flat / noise[0], deep / noise[2]], -1)  # (t, k, 2)
    robust = (priors.outlier / size.clamp(min=1e-9)).clamp(max=1)[..., [0, 0, 1]]
    root = (obs.trust[..., None] * robust).sqrt() / noise  # (t, k, 3)
    inside = size.clamp(max=priors.outlier)
    cost = (obs.trust[..., None] * inside * (2 * size - inside)).sum((1, 2)) / 2
    weighted = (residual * root).reshape(t, 3 * k)
    frame *= root[..., None]
    return Linear(weighted, frame.reshape(t, 3 * k, -1), by_point, root, cost)


def local_values(state: PointState) -> Tensor:
    """(t, num_local) float64 jaw, eyelids, expression."""
    return torch.cat([state.jaw, state.eyelids, state.expression], 1).double()


def local_cost(state: PointState, obs: Observations, precision: Tensor) -> Tensor:
    """(t,) what the priors of the frames' own parameters cost: local ones, and where they face."""
    values = local_values(state)
    cost = obs.hold * ((values @ precision) * values).sum(1) / 2
    if obs.facing is None:
        return cost
    return cost + obs.facing.precision * obs.facing.strays(state).square().sum(1) / 2


def normal_equations(
    linear: Linear, state: PointState, obs: Observations, precision: Tensor
) -> tuple[Tensor, Tensor]:
    """Hessians (t, p, p) and gradients (t, p) of the frames' own parameters, float64, priors in."""
    transposed = linear.frame.transpose(1, 2)
    hessian = (transposed @ linear.frame).double()
    gradient = (transposed @ linear.residual[..., None])[..., 0].double()
    hold = obs.hold.double()
    hessian[:, FIRST_LOCAL:, FIRST_LOCAL:] += hold[:, None, None] * precision
    gradient[:, FIRST_LOCAL:] -= hold[:, None] * (local_values(state) @ precision)
    if obs.facing is not None:
        hessian.diagonal(dim1=1, dim2=2)[:, :3] += obs.facing.precision
        gradient[:, :3] -= obs.facing.precision * obs.facing.strays(state)
    return hessian, gradient
