"""What a mesh looks like at its vertices, and what of that is the same in every frame."""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor

from ..types import MeshBatch, MeshSequence
from .shading import Incidence, vertex_normals

_FLAT = 1e-12  #: a mesh of less depth is all near


@dataclass(frozen=True)
class Surface:
    """What is the same in every frame of a sequence."""

    faces: Tensor  #: (f, 3) int64
    incidence: Incidence
    uv: Tensor | None  #: (6, f): u of the three corners, then v; -1..1, v down
    albedo: Tensor  #: (3, h_t, w_t)

    @staticmethod
    def of(meshes: MeshSequence, device: torch.device) -> Surface:
        faces = meshes.faces.to(device)
        uv = None
        if meshes.uvs is not None and meshes.uv_faces is not None:
            u, v = meshes.uvs.to(device).float().T
            corners = meshes.uv_faces.to(device).T  # (3, f)
            uv = torch.cat([u[corners] * 2 - 1, -(v[corners] * 2 - 1)])
        incidence = Incidence.of(faces)
        return Surface(faces, incidence, uv, meshes.albedo.to(device).float())


def vertex_values(batch: MeshBatch, surface: Surface, ranges: Tensor) -> Tensor:
    """Depth and normal of each vertex, (4, n, v).

    ranges: (n, 2), z of `MeshBatch.screen` that is depth 1 and depth 0.
    """
    near, far = ranges[:, :1], ranges[:, 1:]
    depth = 1 - (batch.screen[..., 2] - near) / (far - near).clamp(min=_FLAT)  # (n, v)
    normals = vertex_normals(batch.world, surface.faces, surface.incidence)
    return torch.cat([depth[None], normals])
