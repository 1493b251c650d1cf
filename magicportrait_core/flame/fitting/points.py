"""The few points of a head that are fitted, as functions of its parameters, with derivatives.

A point is a weighted mean of the corners of a face. Skinning is linear in the corners, so for each
joint group that turns (the head, the jaw) the weighted corners, and their bases, are added up once:
a frame costs what k points cost and not what v vertices do, and nothing is approximated.
"""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor

from ..head_model import Embedding, HeadModel
from ..lbs import rotation_matrix


@dataclass(frozen=True)
class PointState:
    """Parameters of t frames of one head."""

    shape: Tensor  #: (n_s,)
    offset: Tensor  #: (k, 3) metres, of each point from where the head model has it
    expression: Tensor  #: (t, n_e)
    eyelids: Tensor  #: (t, n_l), n_l is 2, or 0 where the model has no eyelid basis
    jaw: Tensor  #: (t, 3) axis-angle
    turn: Tensor  #: (t, 3, 3) rotation of the head about the pivot
    log_scale: Tensor  #: (t,) natural logarithm of picture units a metre
    place: Tensor  #: (t, 2) where the pivot is seen, picture units, y down
    nearness: float  #: 1 / metres from the camera to the pivot; 0 is weak perspective

    def frames(self, rows: Tensor | slice) -> PointState:
        """Some of the frames."""
        per_frame = ("expression", "eyelids", "jaw", "turn", "log_scale", "place")
        picked = {name: getattr(self, name)[rows] for name in per_frame}
        return PointState(self.shape, self.offset, **picked, nearness=self.nearness)


@dataclass(frozen=True)
class Group:
    """What one joint group carries of each point: linear in the parameters."""

    template: Tensor  #: (k, 3)
    shape: Tensor  #: (n_s, k, 3)
    expression: Tensor  #: (n_e, k, 3)
    eyelids: Tensor  #: (n_l, k, 3)
    correctives: Tensor  #: (9, k, 3) of the jaw's R - I; (0, k, 3) without a jaw
    weight: Tensor  #: (k,)


@dataclass(frozen=True)
class Derivatives:
    """Points before the camera and what they do when parameters change.

    All are in the camera's axes relative to the pivot, metres: x right, y up, z to the camera.
    """

    points: Tensor  #: (t, k, 3)
    local: Tensor  #: (t, k, 3, n) by the parameters of a frame: jaw 3, eyelids n_l, expression n_e
    shape: Tensor | None  #: (t, k, 3, n_s)


class HeadPoints:
    """k points of a head model; the neck and the eyes are at rest.

    Args:
        head: the model.
        embedding: (k,) where the points lie.
        shape_columns, expression_columns: which coefficients are used.
        skull: (k,) 0..1, how far each point is trusted not to move on the skull.
        slack: (k,) metres by which each may lie elsewhere on the head, one standard deviation.
    """

    def __init__(
        self,
        head: HeadModel,
        embedding: Embedding,
        shape_columns: Tensor,
        expression_columns: Tensor,
        skull: Tensor,
        slack: Tensor,
    ) -> None:
        self.skull, self.slack = skull, slack
        self.shape_columns, self.expression_columns = shape_columns, expression_columns
        jaw = head.roles.index("jaw") if "jaw" in head.roles else None
        corners = head.faces[embedding.faces]  # (k, 3)
        jaw_share = head.skinning[jaw] if jaw is not None else torch.zeros(head.num_vertices)

        def group(share: Tensor) -> Group:
            weight = embedding.bary * share[corners]  # (k, 3)

            def gather(basis: Tensor) -> Tensor:  # (n, 3, v) -> (n, k, 3)
                return torch.einsum("nakb,kb->nka", basis[..., corners], weight)

            eyelids = head.template.new_zeros(0, 3, head.num_vertices)
            if head.eyelid_basis is not None:
                eyelids = head.eyelid_basis
            correctives = head.template.new_zeros(0, 3, head.num_vertices)
            if jaw is not None and jaw in head.corrective_joints:
                row = head.corrective_joints.index(jaw)
                correctives = head.pose_basis[9 * row : 9 * row + 9]
            return Group(
                gather(head.template[None])[0],
                gather(head.shape_basis[shape_columns]),
                gather(head.expression_basis[expression_columns]),
                gather(eyelids),
                gather(correctives),
                weight.sum(1),
            )

        self.still, self.swung = group(1 - jaw_share), group(jaw_share)
        self.has_jaw = jaw is not None
        joint = jaw if jaw is not None else 0
        self._hinge = head.joints[joint]
        self._hinge_shape = head.joint_shape_basis[shape_columns, joint]  # (n_s, 3)
        self._hinge_expression = head.joint_expression_basis[expression_columns, joint]
        whole = self.still.template + self.swung.template
        #: (3,) metres: what the head turns about while it is fitted, inside the skull
        self.pivot = torch.stack([whole[:, 0].mean(), whole[:, 1].mean(), head.joints[0, 2]])
        self.num_local = 3 + len(self.still.eyelids) + len(expression_columns)

    def at_rest(self, state: PointState) -> Tensor:
        """The points on the unturned head with its jaw at rest, no expression, (k, 3)."""
        total = self.still.template + self.swung.template + state.offset
        return total + torch.einsum("n,nka->ka", state.shape, self.still.shape + self.swung.shape)

    def rest_basis(self) -> tuple[Tensor, Tensor]:
        """Shape (n_s, k, 3) and expression (n_e, k, 3) displacements of the unturned head."""
        still, swung = self.still, self.swung
        return still.shape + swung.shape, still.expression + swung.expression

    def similarity_part(self, basis: Tensor) -> Tensor:
        """(7, n) how far each column of a basis (n, k, 3) turns (radians, 3), shifts (metres, 3)
        and grows (share, 1) the points as a whole."""
        return self._explained(basis, self._similarities())

    def strain_part(self, basis: Tensor) -> Tensor:
        """(4, n) how far each column shears the points as a whole (xy, xz, yz: radians), and
        makes them deep for their size (share)."""
        arm, axes = self._arm(), torch.eye(3)
        shears = [
            arm[:, [i]] * axes[j] + arm[:, [j]] * axes[i] for i, j in ((0, 1), (0, 2), (1, 2))
        ]
        wide, deep = (arm * axes[i] - arm / 3 for i in (0, 2))
        moves = [*self._similarities(), wide, *shears, deep]
        return self._explained(basis, moves)[-4:]

    def _arm(self) -> Tensor:
        rest = self.still.template + self.swung.template
        return rest - rest.mean(0)

    def _similarities(self) -> list[Tensor]:
        arm, axes = self._arm(), torch.eye(3)
        turns = [torch.linalg.cross(axis.expand_as(arm), arm) for axis in axes]
        shifts = [axis.expand_as(arm) for axis in axes]
        return [*turns, *shifts, arm]

    @staticmethod
    def _explained(basis: Tensor, moves: list[Tensor]) -> Tensor:
        """(m, n) how much of each of m moves (k, 3) a column is, by least squares."""
        flat = torch.stack(moves, -1).reshape(-1, len(moves))
        # gels: with the default driver the last bits differ from call to call
        return torch.linalg.lstsq(flat, basis.flatten(1).T, driver="gels").solution

    def __call__(self, state: PointState, *, with_shape: bool = False) -> Derivatives:
        """Points of all of the state's frames and their derivatives by jaw, lids, expression."""
        t, k = len(state.turn), len(state.offset)
        jaw = rotation_matrix(state.jaw)
        eye = torch.eye(3)
        features = (jaw - eye).reshape(t, 9)
        axes = generators() @ jaw[:, None]  # (t, 3, 3, 3): d jaw / d axis
        values = torch.cat([state.eyelids, state.expression], 1)

        def carried(group: Group) -> tuple[Tensor, Tensor, Tensor]:
            """Points (t, k, 3), derivatives by the jaw's axes (t, k, 3, 3) and by the rest."""
            base = group.template + torch.einsum("n,nka->ka", state.shape, group.shape)
            basis = torch.cat([group.eyelids, group.expression])  # (n, k, 3)
            n = len(basis)
            points = base + (values @ basis.reshape(n, -1)).reshape(t, k, 3)
            by_jaw = points.new_zeros(t, k, 3, 3)
            if len(group.correctives):
                flat = group.correctives.reshape(9, -1)
                points = points + (features @ flat).reshape(t, k, 3)
                by_jaw = (axes.reshape(t, 3, 9) @ flat).reshape(t, 3, k, 3).permute(0, 2, 3, 1)
            return points, by_jaw, basis.permute(1, 2, 0)

        points, by_jaw, by_rest = carried(self.still)
        points = points + state.offset
        by_rest = by_rest.expand(t, -1, -1, -1)
        by_shape = (self.still.shape).permute(1, 2, 0).expand(t, -1, -1, -1)
        if self.has_jaw:
            hung, hung_jaw, hung_rest = carried(self.swung)
            weight = self.swung.weight
            hinge = self._hinge + state.shape @ self._hinge_shape
            hinge = hinge + state.expression @ self._hinge_expression  # (t, 3)
            arm = hung - weight[:, None] * hinge[:, None]
            swung = arm @ jaw.transpose(1, 2)
            points = points + swung + weight[:, None] * hinge[:, None]
            by_jaw = by_jaw + cross_columns(swung) + jaw[:, None] @ hung_jaw
            slack = eye - jaw  # (t, 3, 3): a hinge that moves takes along what it carries
            lids = len(self.still.eyelids)
            by_rest = by_rest + torch.einsum("tab,kbn->tkan", jaw, hung_rest)
            moved = torch.einsum("tab,nb->tan", slack, self._hinge_expression)
            by_rest[..., lids:] += weight[None, :, None, None] * moved[:, None]
            if with_shape:
                moved = torch.einsum("tab,nb->tan", slack, self._hinge_shape)
                hung_shape = torch.einsum("tab,nkb->tkan", jaw, self.swung.shape)
                by_shape = by_shape + hung_shape + weight[None, :, None, None] * moved[:, None]
        turn = state.turn[:, None]
        local = turn @ torch.cat([by_jaw, by_rest], -1)
        turned = (points - self.pivot) @ state.turn.transpose(1, 2)
        return Derivatives(turned, local, turn @ by_shape if with_shape else None)


def generators() -> Tensor:
    """(3, 3, 3): G[i] is the derivative of a rotation about axis i at rest."""
    return torch.tensor(
        [
            [[0.0, 0, 0], [0, 0, -1], [0, 1, 0]],
            [[0.0, 0, 1], [0, 0, 0], [-1, 0, 0]],
            [[0.0, -1, 0], [1, 0, 0], [0, 0, 0]],
        ]
    )


def cross_columns(points: Tensor) -> Tensor:
    """(..., 3) -> (..., 3, 3): column i is e_i x point, the derivative of turning about axis i."""
    x, y, z = points.unbind(-1)
    zero = torch.zeros_like(x)
    rows = [zero, z, -y, -z, zero, x, y, -x, zero]
    return torch.stack(rows, -1).unflatten(-1, (3, 3))
