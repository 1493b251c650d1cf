"""Texture coordinates that come from another file than the mesh, fitted to its faces."""

from __future__ import annotations

import torch
from torch import Tensor

from ...errors import InputError


def match_uv_faces(faces: Tensor, other: Tensor, uv_faces: Tensor) -> Tensor:
    """``uv_faces``, which belong to ``other``, in the order and from the corners of ``faces``.

    faces, other, uv_faces: (f, 3) int64. Raises InputError where the two meshes have other faces.
    """
    if torch.equal(faces, other):
        return uv_faces
    ours, our_corners = faces.sort(1)
    theirs, their_corners = other.sort(1)
    size = int(torch.stack([faces.max(), other.max()]).max()) + 1
    weights = torch.tensor([size * size, size, 1])
    our_keys, our_order = (ours * weights).sum(1).sort()
    their_keys, their_order = (theirs * weights).sum(1).sort()
    if not torch.equal(our_keys, their_keys):
        raise InputError("the texture coordinates belong to a mesh with other faces")
    by_vertex = uv_faces.gather(1, their_corners)[their_order]
    out = torch.empty_like(uv_faces)
    out[our_order] = torch.empty_like(by_vertex).scatter_(1, our_corners[our_order], by_vertex)
    return out
