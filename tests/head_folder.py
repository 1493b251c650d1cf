"""A models folder with a head in it, filled as `magicportrait weights import` fills it."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

from magicportrait_core.flame.head_model import HeadModel
from magicportrait_core.flame.library.files import save_head, save_part
from magicportrait_core.flame.library.library import head_file, part_file


def fill_models(models: Path, head: HeadModel, name: str | None = None) -> Path:
    """Write a head and its landmarks into models/flame; returns that folder."""
    folder = models / "flame"
    folder.mkdir(parents=True, exist_ok=True)
    if head.uv_faces is not None:  # a file holds no memory twice
        head = replace(head, uv_faces=head.uv_faces.clone())
    save_head(folder / head_file(name or head.name), head)
    marks = head.landmarks
    tensors = {}
    for kind, points in (
        ("static", marks.static),
        ("contour", marks.contour),
        ("full", marks.full),
    ):
        tensors |= {f"{kind}_faces": points.faces, f"{kind}_bary": points.bary}
    save_part(folder / part_file("landmarks"), "landmarks", tensors, {})
    return folder
