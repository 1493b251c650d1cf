"""gnm_head.npz: the arrays that are used, read one at a time."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

from ...errors import InputError
from ...weights.arrays import Header, Npz
from ..gnm import SHAPES, check_shapes, gnm_from_arrays
from ..head_model import HeadModel
from .model import check_head
from .source import Source


def is_gnm(headers: Mapping[str, Header]) -> bool:
    return {"template_vertex_positions", "vertex_identity_basis"} <= set(headers)


def read_gnm(file: Npz, source: Source) -> HeadModel:
    """The head of an open gnm_head.npz. Raises InputError where it has another layout."""
    try:
        check_shapes({name: header.shape for name, header in file.headers.items()})
        head = gnm_from_arrays({name: file.read(name) for name in SHAPES})
    except (ValueError, TypeError, OverflowError) as error:  # InputError is a ValueError
        raise InputError(
            f"{source.name} is no GNM Head v3 ({error}): {source.right_one}"
        ) from error
    check_head(head, source)
    return replace(head, source=source.metadata())
