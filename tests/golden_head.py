"""The synthetic head of the geometry goldens, built by the code that builds FLAME."""

from __future__ import annotations

from dataclasses import replace
from functools import lru_cache
from pathlib import Path

import torch
from safetensors.torch import load_file
from torch import Tensor

from magicportrait_core.flame.flame import flame_from_arrays
from magicportrait_core.flame.head_model import Embedding, HeadModel, LandmarkSet


@lru_cache(maxsize=2)
def official_arrays(folder: Path) -> dict[str, Tensor]:
    """The arrays as an official FLAME pickle holds them."""
    stored = load_file(folder / "synth_flame.safetensors")
    small = stored["shapedirs_150"].double()
    shape, expression = small[..., :100], small[..., 100:]
    shapedirs = torch.cat([shape, shape / 2, shape / 2, expression, expression / 2], -1)
    regressor = torch.zeros(5, 5023, dtype=torch.float64)
    row, col = stored["J_regressor.row"].long(), stored["J_regressor.col"].long()
    regressor[row, col] = stored["J_regressor.val"].double()
    return {
        "v_template": stored["v_template"],
        "f": stored["f"],
        "shapedirs": shapedirs,
        "posedirs": stored["posedirs"],
        "weights": stored["weights"],
        "J_regressor": regressor,
        "kintree_table": stored["kintree_table"].to(torch.int64),
    }


@lru_cache(maxsize=2)
def golden_head(folder: Path) -> HeadModel:
    """The head with its UVs and landmarks. folder: goldens/geometry."""
    stored = load_file(folder / "synth_flame.safetensors")
    static = Embedding(stored["static_lmk_faces_idx"], stored["static_lmk_bary_coords"])
    moving = Embedding(stored["dynamic_lmk_faces_idx"], stored["dynamic_lmk_bary_coords"])
    full = Embedding(stored["full_lmk_faces_idx"][0], stored["full_lmk_bary_coords"][0])
    return replace(
        flame_from_arrays(official_arrays(folder), "flame2020_generic"),
        uvs=stored["uv"],
        uv_faces=stored["uv_f"].long(),
        landmarks=LandmarkSet(static, moving, full),
    )


@lru_cache(maxsize=2)
def official_texture(folder: Path) -> tuple[Tensor, Tensor]:
    """FLAME_texture.npz as it is: mean (512, 512, 3), basis (512, 512, 3, 50), BGR 0..255."""
    stored = load_file(folder / "synth_flame.safetensors")
    small = stored["tex_dir_small"].float()
    wide = small.repeat_interleave(8, 0).repeat_interleave(8, 1)
    x, y = torch.arange(512)[None], torch.arange(512)[:, None]
    tint = 1 + 0.25 * ((x & 1) - (y & 1)).float()
    return stored["tex_mean"].float(), wide * tint[..., None, None]
