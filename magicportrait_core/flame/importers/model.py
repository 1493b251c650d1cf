"""FLAME's pickles: generic_model.pkl, flame2023.pkl ..."""

from __future__ import annotations

import math
import re
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path

import numpy as np
import torch
from scipy.sparse import issparse
from torch import Tensor

from ...errors import InputError
from ...weights.catalog import CATALOG
from ..flame import KEYS, NAMES, flame_from_arrays
from ..head_model import HeadModel
from .source import Source

NUM_VERTICES, NUM_FACES = 5023, 9976
#: by how much a vertex's weights may miss 1: files in half precision round that far
WEIGHT_ERROR = 1e-2
#: HeadModel's fields, as the official files name them
_FIELDS = {
    "template": "the template",
    "shape_basis": "the shape basis",
    "expression_basis": "the expression basis",
    "pose_basis": "the pose correctives",
    "joints": "the joints",
    "joint_shape_basis": "the joints' shape basis",
    "joint_expression_basis": "the joints' expression basis",
    "skinning": "the skinning weights",
    "uvs": "the texture coordinates",
}
_CELLS = 1 << 24  #: of a sparse matrix, written out; the joint regressor has 25,115
_NAME = re.compile(r"[a-z0-9][a-z0-9_.-]{0,60}")


def is_model(content: object) -> bool:
    """Whether a pickle's content is a model of FLAME's kin; which one is checked later."""
    return isinstance(content, Mapping) and {"v_template", "shapedirs", "weights"} <= set(content)


def convert_model(content: Mapping, source: Source, name: str) -> HeadModel:
    """The head of a pickle's content. Raises InputError where it is no FLAME."""
    try:
        head = flame_from_arrays({k: _tensor(k, content[k]) for k in KEYS if k in content}, name)
    except InputError as error:
        raise InputError(
            f"{source.name} is no FLAME model ({error}): {source.right_one}"
        ) from error
    v, f = head.num_vertices, len(head.faces)
    if (v, f) != (NUM_VERTICES, NUM_FACES):
        raise InputError(
            f"{source.name} has {v} vertices and {f} faces, FLAME has {NUM_VERTICES} and "
            f"{NUM_FACES}: {source.right_one}"
        )
    if not 0 <= int(head.faces.min()) <= int(head.faces.max()) < v:
        raise InputError(
            f"{source.name} has faces of vertices beyond the {v} there are: {source.right_one}"
        )
    check_head(head, source)
    return replace(head, source=source.metadata())


def check_head(head: HeadModel, source: Source) -> None:
    """Raise InputError where a head has NaN or infinity, or a vertex that no joints carry whole."""
    for field, what in _FIELDS.items():
        tensor = getattr(head, field)
        if tensor is not None and not torch.isfinite(tensor).all():
            raise InputError(
                f"{source.name} has values that are no finite numbers in {what}: {source.right_one}"
            )
    total = head.skinning.sum(0)
    off = (total - 1).abs() > WEIGHT_ERROR
    if off.any():
        first = int(off.nonzero()[0])
        raise InputError(
            f"{source.name} has skinning weights that do not add up to 1, at {int(off.sum())} of "
            f"{head.num_vertices} vertices: those of vertex {first} are {float(total[first]):.3g} "
            f"together; {source.right_one}"
        )


def guess_name(file: str) -> str:
    """Which FLAME a file is, by its name alone: one of `flame.NAMES`, else the name tidied."""
    stem = re.sub(r"[^a-z0-9]+", "_", file.rsplit(".", 1)[0].lower()).strip("_")
    if "2023" in stem:
        rest = "_".join(w for w in stem.split("_") if w not in {"flame2023", "flame", "2023"})
        return f"flame2023_{rest}" if rest else "flame2023"
    for sort in ("female", "male", "generic"):
        if stem in {f"{sort}_model", f"flame2020_{sort}", f"flame_2020_{sort}", f"flame_{sort}"}:
            return f"flame2020_{sort}"
    return stem or "flame"


def check_name(name: str) -> str:
    """A name that a head model's file can have. Raises InputError."""
    if not _NAME.fullmatch(name):
        raise InputError(
            f"A head model's name has small letters, digits, _ . and -, got {name!r}: for example "
            "flame2020_generic."
        )
    taken = {Path(file).stem: entry for entry in CATALOG for file in entry.stored}
    taken |= {entry.key: entry for entry in CATALOG}
    if name in taken and not taken[name].key.startswith("flame20"):
        raise InputError(
            f"A head model cannot be called {name}, which is {taken[name].purpose}: use one of "
            f"{', '.join(NAMES)}, or a name of your own."
        )
    return name


def _tensor(key: str, value: object) -> Tensor:
    if issparse(value):
        if math.prod(value.shape) > _CELLS:
            raise InputError(f"{key} must be of FLAME's size, got {value.shape}")
        value = value.toarray()
    if not isinstance(value, np.ndarray):
        raise InputError(f"{key} must be an array, got a {type(value).__name__}")
    array = value
    if array.dtype.kind not in "iuf":
        raise InputError(f"{key} must be numbers, got {array.dtype}")
    return torch.from_numpy(array.astype(np.float64 if array.dtype.kind == "f" else np.int64))
