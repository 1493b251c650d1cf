"""The contract of a head model: what it is made of, and how parameters pose it.

FLAME and GNM both are: a template, linear bases of identity and expression, correctives that are
linear in the joints' rotations, and linear blend skinning. Vertices are planar, (3, v), so that
every basis is one matrix product.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass, field, replace
from functools import cached_property

import torch
from torch import Tensor

from ..errors import InputError
from ..types import HeadParams
from .lbs import joint_transforms, rotation_matrix, skin

#: Which field of HeadParams turns a joint of this role.
ROLES = ("root", "neck", "jaw", "left_eye", "right_eye")


@dataclass(frozen=True)
class Embedding:
    """Points on the surface: in which face, with which weights of its corners."""

    faces: Tensor  #: (..., k) int64
    bary: Tensor  #: (..., k, 3)

    def to(self, device: torch.device | str) -> Embedding:
        return Embedding(self.faces.to(device), self.bary.to(device))


@dataclass(frozen=True)
class LandmarkSet:
    """FLAME's iBUG-68 landmarks."""

    static: Embedding  #: k = 51, points 17..67
    contour: Embedding  #: (79, 17): the jaw line for each yaw, rows 0..39 and -1..-39
    full: Embedding  #: k = 68

    def to(self, device: torch.device | str) -> LandmarkSet:
        return LandmarkSet(self.static.to(device), self.contour.to(device), self.full.to(device))


@dataclass(frozen=True, eq=False)
class HeadModel:
    """One head model. Lengths are metres; axes as in `types.head`."""

    name: str  #: "flame2020_generic" ...
    family: str  #: "flame" or "gnm"
    template: Tensor  #: (3, v)
    shape_basis: Tensor  #: (n_s, 3, v)
    expression_basis: Tensor  #: (n_e, 3, v)
    pose_basis: Tensor  #: (9 * len(corrective_joints), 3, v), of R - I, row-major
    corrective_joints: tuple[int, ...]
    joints: Tensor  #: (j, 3) of the template
    joint_shape_basis: Tensor  #: (n_s, j, 3)
    joint_expression_basis: Tensor  #: (n_e, j, 3); FLAME's joints follow the expression
    skinning: Tensor  #: (j, v)
    parents: tuple[int, ...]
    roles: tuple[str, ...]  #: of each joint, one of ROLES
    faces: Tensor  #: (f, 3) int64, counter-clockwise from outside
    uvs: Tensor | None = None  #: (v_uv, 2) 0..1, v up
    uv_faces: Tensor | None = None  #: (f, 3) int64
    eyelid_basis: Tensor | None = None  #: (2, 3, v) left, right: added before skinning
    landmarks: LandmarkSet | None = None
    mesh_points: tuple[Tensor, Embedding] | None = None
    #: which face-mesh points (k,) lie where on the head, where the model's makers say so
    skin: Tensor | None = None  #: (v,) bool, the outer skin; None: all but eyeballs of FLAME
    source: dict[str, str] = field(default_factory=dict)  #: file, licence ...

    @cached_property
    def basis(self) -> str:
        """Id of template and bases: parameters belong to one basis and to no other."""
        digest = hashlib.sha256()
        for tensor in (self.template, self.shape_basis, self.expression_basis):
            digest.update(tensor.detach().cpu().float().contiguous().numpy().tobytes())
        return f"{self.family}-{digest.hexdigest()[:16]}"

    @property
    def num_vertices(self) -> int:
        return self.template.shape[-1]

    def to(self, device: torch.device | str) -> HeadModel:
        """The same model on a device."""
        moved = {
            name: value.to(device)
            for name, value in vars(self).items()
            if isinstance(value, (Tensor, LandmarkSet)) and name in self.__dataclass_fields__
        }
        if self.mesh_points is not None:
            moved["mesh_points"] = tuple(part.to(device) for part in self.mesh_points)
        return replace(self, **moved)

    def check(self, params: HeadParams, what: str = "these parameters") -> None:
        """Raise InputError where ``params`` are of another basis."""
        if params.basis != self.basis:
            raise InputError(
                f"{what} belong to head model {params.basis}, {self.name} is {self.basis}: track "
                "again with this head model, or name the one they were made with."
            )

    def shaped(self, shape: Tensor) -> ShapedHead:
        """The head with an identity, (n,) with n <= n_s, from which many frames are posed."""
        n = len(shape)
        if n > len(self.shape_basis):
            raise InputError(f"{self.name} has {len(self.shape_basis)} shape values, got {n}")
        template = self.template + torch.tensordot(shape, self.shape_basis[:n], 1)
        joints = self.joints + torch.tensordot(shape, self.joint_shape_basis[:n], 1)
        return ShapedHead(self, template, joints)

    def vertices(self, params: HeadParams) -> Tensor:
        """All frames, (t, v, 3), as a view of planar memory."""
        self.check(params)
        return self.shaped(params.shape).vertices(params)


@dataclass(frozen=True, eq=False)
class ShapedHead:
    """A head with one identity: what is the same in every frame is computed once."""

    model: HeadModel
    template: Tensor  #: (3, v)
    joints: Tensor  #: (j, 3)

    def rotations(self, params: HeadParams) -> Tensor:
        """(t, j, 3, 3) of the joints, each relative to its parent."""
        pose = {
            "root": params.global_pose,
            "neck": params.neck_pose,
            "jaw": params.jaw_pose,
            "left_eye": params.eye_pose[:, :3],
            "right_eye": params.eye_pose[:, 3:],
        }
        return rotation_matrix(torch.stack([pose[role] for role in self.model.roles], 1))

    def posed(self, params: HeadParams) -> tuple[Tensor, Tensor]:
        """Vertices (t, 3, v) and joints (t, j, 3)."""
        model, t = self.model, len(params)
        n = params.expression.shape[1]
        rotations = self.rotations(params)
        terms = [(params.expression, model.expression_basis[:n]), *self._correctives(rotations)]
        if params.eyelids is not None and model.eyelid_basis is not None:
            terms.append((params.eyelids, model.eyelid_basis))
        points = self.template.reshape(1, -1)
        for values, basis in terms:
            points = torch.addmm(points, values, basis.reshape(len(basis), -1))
        joints = self.joints + torch.tensordot(
            params.expression, model.joint_expression_basis[:n], 1
        )
        transforms, placed = joint_transforms(rotations, joints, model.parents)
        return skin(points.reshape(t, 3, -1), transforms, model.skinning), placed

    def _correctives(self, rotations: Tensor) -> list[tuple[Tensor, Tensor]]:
        """Features (t, 9 k) and their basis (9 k, 3, v), of the k joints that turn, if any do."""
        joints = list(self.model.corrective_joints)
        still = torch.eye(3, dtype=rotations.dtype, device=rotations.device)
        turned = (rotations[:, joints] - still).flatten(2)
        moving = turned.abs().amax((0, 2)) > 0
        if not moving.any():
            return []
        basis = self.model.pose_basis
        if not moving.all():
            basis = basis.unflatten(0, (-1, 9))[moving].flatten(0, 1)
        return [(turned[:, moving].flatten(1), basis)]

    def vertices(self, params: HeadParams) -> Tensor:
        """(t, v, 3), a view of planar memory."""
        return self.posed(params)[0].transpose(1, 2)
