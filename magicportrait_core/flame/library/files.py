"""Head models on disk: one safetensors for each, and what goes with them in files beside.

A head model's file has the tensors of `HeadModel` under their own names, and metadata (all
strings): kind "head_model", format_version "1", name, family, structure (JSON: parents, roles,
corrective_joints), source, licence. A part's file has kind "head_part" and part: one of PARTS.
"""

from __future__ import annotations

import json
import os
from dataclasses import fields, replace
from pathlib import Path

import torch
from safetensors import SafetensorError, safe_open
from safetensors.torch import save_file
from torch import Tensor

from ...errors import InputError
from ...files import replacing
from ...weights.advice import importing, replacing_with
from ...weights.catalog import head_entry_named
from ..head_model import Embedding, HeadModel, LandmarkSet
from .uv import match_uv_faces

KIND, PART_KIND, FORMAT_VERSION = "head_model", "head_part", "1"
#: part -> its tensors. Parts belong to every head of family flame with the same vertex count.
PARTS = {
    "uv": ("uvs", "uv_faces"),
    "landmarks": (
        *("static_faces", "static_bary", "contour_faces", "contour_bary"),
        *("full_faces", "full_bary"),
    ),
    "mesh_points": ("indices", "faces", "bary"),  # indices of the 478 mesh points
    "eyelids": ("eyelid_basis",),
    "texture": ("mean", "basis"),  # (3, 256, 256), (50, 3, 256, 256), RGB 0..1
}
#: what a part may have beside: the faces that the texture coordinates belong to, (f, 3)
OPTIONAL = {"uv": ("faces",)}


def save_head(path: str | os.PathLike, head: HeadModel) -> None:
    """Write a head model, beside and renamed. Its parts go to files of their own."""
    structure = {name: getattr(head, name) for name in ("parents", "roles", "corrective_joints")}
    metadata = {
        **head.source,
        "kind": KIND,
        "format_version": FORMAT_VERSION,
        "name": head.name,
        "family": head.family,
        "structure": json.dumps(structure),
    }
    tensors = {
        field.name: getattr(head, field.name).detach().cpu().contiguous()
        for field in fields(head)
        if isinstance(getattr(head, field.name), Tensor)
    }
    with replacing(path) as temporary:
        save_file(tensors, temporary, metadata)


def load_head(path: str | os.PathLike) -> HeadModel:
    """Read one head model, without parts from other files. Raises InputError."""
    metadata, tensors = read_tensors(Path(path), KIND)
    try:
        structure = {k: tuple(v) for k, v in json.loads(metadata["structure"]).items()}
        known = {"kind", "format_version", "name", "family", "structure"}
        source = {k: v for k, v in metadata.items() if k not in known}
        return HeadModel(
            name=metadata["name"], family=metadata["family"], source=source, **structure, **tensors
        )
    except (KeyError, TypeError, ValueError) as error:
        raise InputError(f"{Path(path).name} is damaged ({error}): {_again(path)}") from error


def save_part(
    path: str | os.PathLike, part: str, tensors: dict[str, Tensor], source: dict[str, str]
) -> None:
    """Write one of PARTS."""
    metadata = {**source, "kind": PART_KIND, "format_version": FORMAT_VERSION, "part": part}
    names = [*PARTS[part], *(name for name in OPTIONAL.get(part, ()) if name in tensors)]
    with replacing(path) as temporary:
        save_file({name: tensors[name].contiguous() for name in names}, temporary, metadata)


def load_part(path: str | os.PathLike, part: str) -> dict[str, Tensor]:
    """Read one of PARTS. Raises InputError for a file of another part."""
    metadata, tensors = read_tensors(Path(path), PART_KIND)
    if metadata.get("part") != part or set(tensors) - set(OPTIONAL.get(part, ())) != set(
        PARTS[part]
    ):
        raise InputError(
            f"{Path(path).name} is head part {metadata.get('part')}, {part} is wanted: "
            f"{_again(path)}"
        )
    return tensors


def with_parts(head: HeadModel, parts: dict[str, dict[str, Tensor]]) -> HeadModel:
    """The head with the parts (name -> tensors) that suit its mesh."""
    v, f = head.num_vertices, len(head.faces)
    more: dict = {}
    if "uv" in parts and len(parts["uv"]["uv_faces"]) == f:
        p = {name: tensor.long() for name, tensor in parts["uv"].items() if name != "uvs"}
        uv_faces = match_uv_faces(head.faces, p.get("faces", head.faces), p["uv_faces"])
        more |= {"uvs": parts["uv"]["uvs"], "uv_faces": uv_faces}
    if "eyelids" in parts and parts["eyelids"]["eyelid_basis"].shape[-1] == v:
        more["eyelid_basis"] = parts["eyelids"]["eyelid_basis"]
    if "landmarks" in parts and head.family == "flame":
        p = parts["landmarks"]
        pairs = ((p[f"{n}_faces"].long(), p[f"{n}_bary"]) for n in ("static", "contour", "full"))
        more["landmarks"] = LandmarkSet(*(Embedding(*pair) for pair in pairs))
    if "mesh_points" in parts and head.family == "flame":
        p = parts["mesh_points"]
        more["mesh_points"] = (p["indices"].long(), Embedding(p["faces"].long(), p["bary"]))
    return replace(head, **more)


def read_tensors(path: Path, kind: str) -> tuple[dict[str, str], dict[str, Tensor]]:
    """Metadata and tensors of a safetensors of one kind. Raises InputError."""
    if not path.is_file():
        raise InputError(f"{path} does not exist: {importing(folder=path.parent)}.")
    try:
        with safe_open(path, "pt") as file:
            metadata = file.metadata() or {}
            tensors = {name: file.get_tensor(name) for name in file.keys()}
    except (SafetensorError, OSError) as error:
        raise InputError(
            f"{path.name} cannot be read, or its end is missing: {_again(path)}"
        ) from error
    if metadata.get("kind") != kind or metadata.get("format_version") != FORMAT_VERSION:
        raise InputError(
            f"{path.name} is of kind {metadata.get('kind')} {metadata.get('format_version')}, "
            f"{kind} {FORMAT_VERSION} is wanted: {_again(path)}"
        )
    for name, tensor in tensors.items():
        if tensor.is_floating_point() and not torch.isfinite(tensor).all():
            raise InputError(
                f"{path.name} is damaged: {name} has values that are no numbers; {_again(path)}"
            )
    return metadata, tensors


def _again(path: str | os.PathLike) -> str:
    return f"{replacing_with(Path(path).parent, official(Path(path).name))}."


def official(file: str) -> str:
    """The official file that one of ours is made of, and where it comes from."""
    entry = head_entry_named(file)
    return "the official file" if entry is None else entry.origin
