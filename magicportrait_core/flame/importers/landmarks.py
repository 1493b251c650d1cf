"""Where landmarks lie on FLAME's faces: DECA's landmark_embedding.npy and FLAME's own .npz."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
import torch
from torch import Tensor

from ...errors import InputError
from ...weights.arrays import Header, Npz
from .model import NUM_FACES, WEIGHT_ERROR
from .source import Source

MESH_POINTS = 478
#: our names -> the file's, and the shape
_EMBEDDING = {
    "static_faces": ("static_lmk_faces_idx", (51,)),
    "static_bary": ("static_lmk_bary_coords", (51, 3)),
    "contour_faces": ("dynamic_lmk_faces_idx", (79, 17)),
    "contour_bary": ("dynamic_lmk_bary_coords", (79, 17, 3)),
    "full_faces": ("full_lmk_faces_idx", (68,)),
    "full_bary": ("full_lmk_bary_coords", (68, 3)),
}
_MESH_POINTS = {
    "indices": ("landmark_indices", (-1,)),
    "faces": ("lmk_face_idx", (-1,)),
    "bary": ("lmk_b_coords", (-1, 3)),
}


def is_embedding(content: object) -> bool:
    return isinstance(content, Mapping) and "static_lmk_faces_idx" in content


def is_mesh_points(headers: Mapping[str, Header]) -> bool:
    return {name for name, _ in _MESH_POINTS.values()} <= set(headers)


def read_embedding(content: Mapping, source: Source) -> dict[str, Tensor]:
    """Part "landmarks" of `library.files`."""
    return _checked(content, _EMBEDDING, source)


def read_mesh_points(file: Npz, source: Source) -> dict[str, Tensor]:
    """Part "mesh_points" of `library.files`: 105 of the face mesh's points."""
    content = {name: file.read(name) for name, _ in _MESH_POINTS.values()}
    tensors = _checked(content, _MESH_POINTS, source)
    k = len(tensors["indices"])
    if {len(t) for t in tensors.values()} != {k}:
        raise InputError(
            f"{source.name} has {[len(t) for t in tensors.values()]} values where it should have "
            f"as many points: {source.right_one}"
        )
    indices, counts = tensors["indices"].unique(return_counts=True)
    if not 0 <= int(indices[0]) <= int(indices[-1]) < MESH_POINTS:
        raise InputError(
            f"{source.name} names points that the face mesh of {MESH_POINTS} does not have: "
            f"{source.right_one}"
        )
    if len(indices) < k:
        raise InputError(
            f"{source.name} places point {int(indices[counts.argmax()])} of the face mesh twice: "
            f"{source.right_one}"
        )
    return tensors


def _checked(content: Mapping, wanted: Mapping, source: Source) -> dict[str, Tensor]:
    tensors = {}
    for ours, (theirs, shape) in wanted.items():
        if theirs not in content:
            raise InputError(f"{source.name} lacks {theirs}: {source.right_one}")
        array = np.asarray(content[theirs])
        if array.dtype.kind not in "iuf":
            raise InputError(f"{source.name}: {theirs} must be numbers: {source.right_one}")
        sized = shape[0] != -1
        if not array.size or (array.size != np.prod(shape) if sized else array.size % shape[-1]):
            wanted_shape = str(shape).replace("-1", "k")
            raise InputError(
                f"{source.name}: {theirs} must be {wanted_shape}, got {array.shape}: "
                f"{source.right_one}"
            )
        if not np.isfinite(array).all():
            raise InputError(
                f"{source.name} has values that are no finite numbers in {theirs}: "
                f"{source.right_one}"
            )
        # the official files put some of them behind an axis of length 1
        array = array.reshape(shape)
        kind = np.float32 if ours.endswith("bary") else np.int64
        tensors[ours] = torch.from_numpy(array.astype(kind, order="C"))
    for name, tensor in tensors.items():
        if name.endswith("faces") and not 0 <= int(tensor.min()) <= int(tensor.max()) < NUM_FACES:
            raise InputError(
                f"{source.name} names faces beyond FLAME's {NUM_FACES}: {source.right_one}"
            )
        if name.endswith("bary") and not _is_barycentric(tensor):
            raise InputError(
                f"{source.name}: {wanted[name][0]} must be barycentric, three weights from 0 to 1 "
                f"that add up to 1: {source.right_one}"
            )
    return tensors


def _is_barycentric(weights: Tensor) -> bool:
    """Whether points (..., 3) lie on their faces, but for what files round."""
    whole = (weights.sum(-1) - 1).abs() <= WEIGHT_ERROR
    return bool(whole.all() and (weights >= -WEIGHT_ERROR).all())
