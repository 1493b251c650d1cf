"""crops.safetensors: the boxes and pictures that the encoders look at."""

from __future__ import annotations

import re
from collections.abc import Iterator

import numpy as np
import torch
from PIL import Image
from torch import Tensor

from magicportrait_core.flame.trackers.crops import (
    DECA_SCALE,
    SMIRK_SCALE,
    bounds,
    crop_boxes,
    crop_matrices,
    deca_input,
    face_boxes,
    smirk_input,
)
from tests.goldens.registry import Family, GoldenFile
from tests.goldens.rows import Computed

INPUTS = (
    *("crop_face.*.bounds_lrtb", "crop_face.*.scale", "bbox2point.*.lrtb", "bbox2point.*.is_kpt68"),
    *("crop_process.*.bbox", "crop_process.rot.pts4", "get_image_dict.kpt68"),
    *("smirk_crop.bounds_lrtb", "resize_aa.in_*"),
)


def _matrix(edges: Tensor, scale: float, kind: str | None = None) -> Tensor:
    """Bounds (4,) -> (3, 3)."""
    return crop_matrices(crop_boxes(face_boxes(edges[None].double(), kind), scale))[0]


def compute(file: GoldenFile) -> Iterator[Computed]:
    """All but what the product replaces."""
    stored = file.tensors
    for name in stored:
        if found := re.fullmatch(r"(crop_face\..+)\.tform", name):
            edges, scale = (stored[f"{found[1]}.{key}"] for key in ("bounds_lrtb", "scale"))
            yield Computed(name, _matrix(edges, float(scale)))
        if found := re.fullmatch(r"(bbox2point\..+)\.size_cx_cy", name):
            edges, is_kpt68 = (stored[f"{found[1]}.{key}"] for key in ("lrtb", "is_kpt68"))
            x, y, side = face_boxes(edges[None], "kpt68" if is_kpt68 else "bbox")[0]
            yield Computed(name, torch.stack([side, x, y]))
    if "get_image_dict.tform" in stored:
        yield from _deca_crop(stored)
    if "smirk_crop.tform" in stored:
        matrix = _matrix(stored["smirk_crop.bounds_lrtb"], SMIRK_SCALE)
        yield Computed("smirk_crop.tform", matrix)
        crop = smirk_input(_picture(file, "crop_src_120x90.png"), matrix)
        yield Computed("smirk_crop.u8_rgb", (crop * 255).round().byte().permute(1, 2, 0))


def _deca_crop(stored: dict[str, Tensor]) -> Iterator[Computed]:
    picture = stored["get_image_dict.resized512_u8"]
    matrix = _matrix(bounds(stored["get_image_dict.kpt68"]), DECA_SCALE, "kpt68")
    yield Computed("get_image_dict.tform", matrix)
    yield Computed("get_image_dict.image224", deca_input(picture, matrix))
    height, width = picture.shape[1:]
    whole = torch.tensor([0, height - 1, 0, width - 1])
    yield Computed("get_image_dict.noface.tform", _matrix(whole, DECA_SCALE, "kpt68"))


def _picture(file: GoldenFile, name: str) -> Tensor:
    with Image.open(file.folder / name) as image:
        return torch.from_numpy(np.array(image.convert("RGB"))).permute(2, 0, 1)


FAMILY = Family("crops*.safetensors", compute, INPUTS)
