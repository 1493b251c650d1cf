"""l_eyelid.npy and r_eyelid.npy: how a lid shuts, as offsets of FLAME's vertices."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import torch
from torch import Tensor

from ...errors import InputError
from ...weights.arrays import MAGIC, load_npy, read_header
from .model import NUM_VERTICES
from .source import Source

SHAPE = (NUM_VERTICES, 3)
_FLAT = NUM_VERTICES * 3
STILL = 0.05  #: of the largest offset: what moves less does not belong to the lid


def is_eyelid(content: object) -> bool:
    """Whether a .npy's content is one offset for each vertex of FLAME: (1, 5023, 3) or (5023, 3).

    Most of a face is not moved by a lid, which tells offsets from vertices.
    """
    if not isinstance(content, np.ndarray) or content.dtype.kind != "f":
        return False
    if content.shape not in {SHAPE, (1, *SHAPE)}:
        return False
    length = np.linalg.norm(content.reshape(SHAPE), axis=1)
    return bool((length < STILL * length.max()).mean() > 0.5)


def read_eyelid(path: Path) -> Tensor:
    """(3, v) metres, of a file that :func:`is_eyelid`."""
    values = torch.from_numpy(np.asarray(load_npy(path), np.float32).reshape(SHAPE))
    if not torch.isfinite(values).all() or not values.abs().max():
        raise InputError(f"{path.name} moves no vertex, or has no numbers: download it again.")
    return values.T.contiguous()


def partner_of(path: Path, folders: tuple[Path, ...]) -> Path | None:
    """The other lid's file: beside it, else in one of the folders."""
    own = side_by_name(path.name)
    for folder in (path.parent, *folders):
        for other in sorted(folder.glob("*.npy")):
            if other.name != path.name and _could_be(other):
                side = side_by_name(other.name)
                if own is None or side is None or own != side:
                    return other
    return None


def side_by_name(name: str) -> str | None:
    """ "left", "right", or None where the name does not say."""
    stem = name.lower().rsplit(".", 1)[0]
    for side in ("left", "right"):
        words = stem.replace("-", "_").split("_")
        if side in stem or side[0] in words:
            return side
    return None


def side_by_motion(lid: Tensor, template: Tensor) -> str:
    """Which half of the head a lid moves. lid, template: (3, v)."""
    weight = lid.norm(dim=0)
    return "left" if float((weight * template[0]).sum()) > 0 else "right"


def eyelid_basis(
    paths: tuple[Path, Path], template: Tensor | None
) -> tuple[dict[str, Tensor], tuple[Path, Path], str]:
    """Part "eyelids" of `library.files`, the paths as left and right, and a note or "".

    The names come first: SMIRK's two values are of the files so named. Where they do not tell,
    the half of the head that moves does, on the ``template`` (3, v) of an imported FLAME.
    """
    lids = [read_eyelid(path) for path in paths]
    moved = None if template is None else [side_by_motion(lid, template) for lid in lids]
    named = [side_by_name(path.name) for path in paths]
    if moved is not None and moved[0] == moved[1]:
        raise InputError(
            f"{paths[0].name} and {paths[1].name} both move the {moved[0]} half of the head: one "
            "of them is the same file under another name."
        )
    sides = moved if None in named else named
    if sides is None or set(sides) != {"left", "right"}:
        raise InputError(
            f"{paths[0].name} and {paths[1].name}: which is the left lid? Name them l_eyelid.npy "
            "and r_eyelid.npy, or import FLAME first."
        )
    order = (0, 1) if sides[0] == "left" else (1, 0)
    note = ""
    if moved is not None and moved != sides:
        note = "the file named left moves the right half of the head: the names were followed"
    basis = torch.stack([lids[i] for i in order])
    return {"eyelid_basis": basis}, (paths[order[0]], paths[order[1]]), note


def right_one(source: Source) -> str:
    """What to do with a lid that is alone."""
    other = "right_eyelid" if side_by_name(source.name) == "left" else "left_eyelid"
    names = {"left_eyelid": "l_eyelid.npy", "right_eyelid": "r_eyelid.npy"}
    return f"waits for the other lid: put {names[other]} beside it and import again"


def _could_be(path: Path) -> bool:
    """By its header alone."""
    try:
        with path.open("rb") as file:
            if file.read(len(MAGIC)) != MAGIC:
                return False
            file.seek(0)
            header = read_header(file)
    except (OSError, ValueError):
        return False
    size = int(np.prod(header.shape))
    return header.dtype.kind == "f" and header.shape[-2:] == SHAPE and size == _FLAT
