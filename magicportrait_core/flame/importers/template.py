"""head_template.obj: the texture coordinates of FLAME's faces."""

from __future__ import annotations

import math
from pathlib import Path

import torch
from torch import Tensor

from ...errors import InputError
from .model import NUM_FACES, NUM_VERTICES
from .source import Source

MAX_BYTES = 16 << 20  #: FLAME's has 1 MB


def is_template(path: Path) -> bool:
    """Whether a file is a Wavefront OBJ with texture coordinates, by its first lines."""
    if path.stat().st_size > MAX_BYTES:
        return False
    with path.open("rb") as file:
        start = file.read(4096)
    lines = start.splitlines()
    return b"\0" not in start and any(line.startswith((b"v ", b"vt ")) for line in lines)


def read_template(source: Source) -> dict[str, Tensor]:
    """Part "uv" of `library.files`, with the faces that the texture coordinates belong to.

    Raises InputError for a file of another mesh, or one that is cut off.
    """
    counts, uvs, corners = 0, [], []
    text = source.path.read_text(encoding="utf-8", errors="replace")
    try:
        for line in text.splitlines():
            kind, *words = line.split() or [""]
            if kind == "v":
                counts += 1
            elif kind == "vt":
                uvs.append((float(words[0]), float(words[1])))
            elif kind == "f":
                corners.append([tuple(int(n) for n in word.split("/")[:2]) for word in words])
    except (ValueError, IndexError) as error:
        raise InputError(
            f"{source.name} is damaged at {line[:40]!r}: {source.right_one}"
        ) from error
    if (counts, len(corners)) != (NUM_VERTICES, NUM_FACES):
        raise InputError(
            f"{source.name} has {counts} vertices and {len(corners)} faces, FLAME has "
            f"{NUM_VERTICES} and {NUM_FACES}: {source.right_one}"
        )
    if any(len(face) != 3 or any(len(corner) != 2 for corner in face) for face in corners):
        raise InputError(
            f"{source.name} has faces that are no triangles with texture coordinates: "
            f"{source.right_one}"
        )
    # vertices and texture coordinates are counted from 1
    if not all(1 <= v <= NUM_VERTICES and 1 <= t <= len(uvs) for face in corners for v, t in face):
        raise InputError(f"{source.name} names vertices it does not have: {source.right_one}")
    if not all(math.isfinite(n) for uv in uvs for n in uv):
        raise InputError(
            f"{source.name} has texture coordinates that are no finite numbers: {source.right_one}"
        )
    index = torch.tensor(corners) - 1  # (f, 3, 2)
    uv, faces = index[..., 1].contiguous(), index[..., 0].contiguous()
    return {"uvs": torch.tensor(uvs), "uv_faces": uv, "faces": faces}
