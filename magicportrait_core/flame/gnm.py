"""GNM Head v3, Google's head model, behind the contract of `head_model`.

https://github.com/google/GNM, arXiv 2607.23687, https://huggingface.co/google/gnm-v3 (Apache-2.0).
With identity b, expression e and rotations R of the joints,

    v = template + B b + E e + C vec(R - I)        joints = their template + J b

and linear blend skinning. Correctives take every joint, the root too. Its joints are neck, head
and two eyes: the neck is the root here, the head is what a neck pose turns, and there is no jaw:
jaw poses are not used, its expressions open the mouth.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from importlib.resources import files

import numpy as np
import torch
from torch import Tensor

from ..errors import InputError
from .head_model import Embedding, HeadModel, LandmarkSet

NAME = "gnm_head"
NUM_VERTICES = 17821  #: of the official mesh
ROLES = {"neck": "root", "head": "neck", "left_eye": "left_eye", "right_eye": "right_eye"}
CONTOUR = 17  #: of the 68 landmarks, the jaw line
_ROWS = 79  #: that `LandmarkSet` has for the yaw; GNM's jaw line does not wander
#: the arrays that are used, and their axes: v vertices, j joints, i identity, e expression, f faces
SHAPES = {
    "template_vertex_positions": ("v", 3),
    "template_joint_positions": ("j", 3),
    "vertex_identity_basis": ("i", "v", 3),
    "joint_identity_basis": ("i", "j", 3),
    "expression_basis": ("e", "v", 3),
    "joint_names": ("j",),
    "joint_parent_indices": ("j",),
    "skinning_weights": ("j", "v"),
    "triangles": ("f", 3),
    "triangle_uvs": ("f", 3, 2),
    "pose_correctives_regressor": ("9j", "3v"),
    "vertex_groups": ("g", "v"),
    "vertex_group_names": ("g",),
}


def check_shapes(shapes: Mapping[str, tuple[int, ...]]) -> dict[str, int]:
    """The sizes that a file's arrays agree on. Raises InputError, naming the array."""
    sizes: dict[str, int] = {}
    for name, axes in SHAPES.items():
        if name not in shapes:
            raise InputError(f"{name} is missing")
        got, wanted = tuple(shapes[name]), []
        for axis, size in zip(axes, got, strict=False):
            factor = int(axis[:-1]) if isinstance(axis, str) and axis[:-1] else 1
            known = axis if isinstance(axis, int) else sizes.setdefault(axis[-1], size // factor)
            wanted.append(known * factor if isinstance(axis, str) else known)
        if len(got) != len(axes) or list(got) != wanted:
            raise InputError(f"{name} must be ({', '.join(map(str, axes))}), got {got}")
        if not all(got):
            raise InputError(f"{name} is empty, {got}")
    return sizes


def gnm_from_arrays(arrays: Mapping[str, np.ndarray]) -> HeadModel:
    """A HeadModel from the arrays of gnm_head.npz, those of SHAPES. Raises InputError."""
    sizes = check_shapes({name: array.shape for name, array in arrays.items()})
    names = [str(name) for name in arrays["joint_names"]]
    if sorted(names) != sorted(ROLES):
        raise InputError(f"joint_names must be {', '.join(ROLES)}, got {', '.join(names)}")
    parents = [int(p) for p in arrays["joint_parent_indices"]]
    loose = parents[0] not in (0, -1) or any(not 0 <= p < j for j, p in enumerate(parents) if j)
    if ROLES[names[0]] != "root" or loose:
        raise InputError(f"joints must begin at the root and follow their parents, got {parents}")
    faces = torch.from_numpy(arrays["triangles"].astype(np.int64))
    if not 0 <= int(faces.min()) <= int(faces.max()) < sizes["v"]:
        raise InputError(f"triangles name vertices beyond the {sizes['v']} there are")
    uvs, uv_faces = _uvs(arrays["triangle_uvs"])
    template = _single(arrays["template_vertex_positions"])
    if _volume(template, faces) < 0:  # seen from outside they would run clockwise
        faces, uv_faces = faces.flip(1), uv_faces.flip(1)
    pose_basis, corrective = _correctives(arrays["pose_correctives_regressor"], sizes["j"])
    return HeadModel(
        name=NAME,
        family="gnm",
        template=template.T.contiguous(),
        shape_basis=_planar(arrays["vertex_identity_basis"]),
        expression_basis=_planar(arrays["expression_basis"]),
        pose_basis=pose_basis,
        corrective_joints=corrective,
        joints=_single(arrays["template_joint_positions"]),
        joint_shape_basis=_single(arrays["joint_identity_basis"]),
        joint_expression_basis=torch.zeros(sizes["e"], sizes["j"], 3),
        skinning=_single(arrays["skinning_weights"]),
        parents=(-1, *parents[1:]),
        roles=tuple(ROLES[name] for name in names),
        faces=faces.contiguous(),
        uvs=uvs,
        uv_faces=uv_faces.contiguous(),
        skin=_skin(arrays),
    )


def gnm_landmarks(head: HeadModel) -> LandmarkSet | None:
    """The 68 landmarks of GNM's makers on the official mesh; None for a mesh of another size.

    Their jaw line stays where it is at every yaw. They name three vertices and weights each,
    data/landmarks/head_sparse_68.txt of https://github.com/google/GNM.
    """
    if head.family != "gnm" or head.num_vertices != NUM_VERTICES:
        return None
    text = files(__package__).joinpath("gnm_landmarks.json").read_text(encoding="utf-8")
    rows = json.loads(text)["landmarks"]
    corners = torch.tensor([row[0::2] for row in rows]).long()
    weights = torch.tensor([row[1::2] for row in rows])
    full = on_faces(head.template.T, head.faces, corners, weights / weights.sum(1, keepdim=True))
    jaw = Embedding(full.faces[:CONTOUR], full.bary[:CONTOUR])
    contour = Embedding(jaw.faces.repeat(_ROWS, 1), jaw.bary.repeat(_ROWS, 1, 1))
    return LandmarkSet(Embedding(full.faces[CONTOUR:], full.bary[CONTOUR:]), contour, full)


def on_faces(vertices: Tensor, faces: Tensor, corners: Tensor, weights: Tensor) -> Embedding:
    """Points given by three vertices each, as points on faces.

    Where the three are no face, as across a quad that is split the other way, it is the nearest
    point on the faces that touch the vertex of the largest weight.

    vertices: (v, 3). faces: (f, 3). corners, weights: (k, 3).
    """
    found, bary = [], []
    for three, weight in zip(corners, weights, strict=True):
        point = (vertices[three] * weight[:, None]).sum(0)
        near = (faces == three[weight.argmax()]).any(1).nonzero()[:, 0]
        if not len(near):
            raise InputError(f"vertex {int(three[weight.argmax()])} belongs to no face")
        places = _nearest(vertices[faces[near]], point)
        same = (faces[near][:, :, None] == three).any(2).all(1)
        if same.any():
            best = int(same.nonzero()[0])
            match = faces[near[best]][:, None] == three
            places[best] = (match * weight).sum(1)
        else:
            at = (vertices[faces[near]] * places[..., None]).sum(1)
            best = int((at - point).norm(dim=1).argmin())
        found.append(near[best])
        bary.append(places[best])
    return Embedding(torch.stack(found), torch.stack(bary).to(vertices.dtype))


def _nearest(triangles: Tensor, point: Tensor) -> Tensor:
    """Barycentric weights (n, 3) of the projection of a point on triangles (n, 3, 3).

    One beyond an edge is drawn to it by cutting negative weights: near enough for slim misses.
    """
    a, b, c = triangles.double().unbind(1)
    u, v, w = b - a, c - a, point.double() - a
    uu, uv, vv = (u * u).sum(1), (u * v).sum(1), (v * v).sum(1)
    wu, wv = (w * u).sum(1), (w * v).sum(1)
    area = (uu * vv - uv * uv).clamp(min=1e-30)
    beta, gamma = (vv * wu - uv * wv) / area, (uu * wv - uv * wu) / area
    weights = torch.stack([1 - beta - gamma, beta, gamma], 1).clamp(min=0)
    return (weights / weights.sum(1, keepdim=True)).to(triangles.dtype)


def _correctives(regressor: np.ndarray, joints: int) -> tuple[Tensor, tuple[int, ...]]:
    """(9 n, 3, v) of the n joints that correct anything, and which they are."""
    basis = _single(regressor).reshape(joints, 9, -1, 3).transpose(2, 3)
    used = tuple(j for j in range(joints) if basis[j].any())
    return basis[list(used)].flatten(0, 1).contiguous(), used


def _uvs(triangle_uvs: np.ndarray) -> tuple[Tensor, Tensor]:
    """(f, 3, 2) coordinates of the corners -> (n, 2) different ones and (f, 3) indices."""
    flat = np.ascontiguousarray(triangle_uvs.reshape(-1, 2), np.float32)
    unique, index = np.unique(flat, axis=0, return_inverse=True)
    return torch.from_numpy(unique), torch.from_numpy(index.reshape(-1, 3).astype(np.int64))


def _skin(arrays: Mapping[str, np.ndarray]) -> Tensor:
    """(v,) bool: the outer skin, without the inside of the mouth."""
    groups = dict(zip(map(str, arrays["vertex_group_names"]), arrays["vertex_groups"], strict=True))
    if "skin" not in groups:
        raise InputError(f"vertex_group_names must have skin, got {', '.join(groups)}")
    outer = groups["skin"] > 0.5
    if "mouth_sock" in groups:
        outer = outer & ~(groups["mouth_sock"] > 0.5)
    return torch.from_numpy(outer)


def _volume(vertices: Tensor, faces: Tensor) -> float:
    """Of a mesh, positive where faces run counter-clockwise seen from outside."""
    a, b, c = (vertices - vertices.mean(0))[faces].double().unbind(1)
    return float((a * torch.linalg.cross(b, c)).sum()) / 6


def _planar(basis: np.ndarray) -> Tensor:
    """(n, v, 3) -> (n, 3, v)."""
    return _single(basis).transpose(1, 2).contiguous()


def _single(array: np.ndarray) -> Tensor:
    return torch.from_numpy(np.ascontiguousarray(array, np.float32))
