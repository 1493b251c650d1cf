"""The golden codes as a mesh to render: the synthetic head in the reference's own camera."""

from __future__ import annotations

from collections.abc import Sequence
from fractions import Fraction
from pathlib import Path

import torch
from torch import Tensor

from magicportrait_core.flame.importers.texture import convert_texture
from magicportrait_core.flame.texture import albedo
from magicportrait_core.types import CROP_SIZE, HeadParams, MeshBatch, MeshSequence
from tests.golden_head import golden_head, official_texture

FLIP = torch.tensor([1.0, -1.0, -1.0])  #: head axes -> x right, y down, z away


def params_of(codes: dict[str, Tensor], basis: str) -> HeadParams:
    """shape (1, 100), exp (n, 50), pose (n, 6) -> n frames."""
    n, pose = len(codes["pose"]), codes["pose"]
    still = torch.zeros(n, 3)
    return HeadParams(
        codes["shape"][0], codes["exp"], pose[:, :3], pose[:, 3:], still, torch.zeros(n, 6),
        None, basis,
    )  # fmt: skip


def project(vertices: Tensor, cam: Tensor) -> Tensor:
    """(n, v, 3) head axes -> the crop's -1..1; cam (n, 3): scale, tx, ty."""
    moved = vertices + torch.cat([cam[:, 1:], torch.zeros(len(cam), 1)], 1)[:, None]
    return cam[:, :1, None] * moved * FLIP


def into_picture(points: Tensor, tform: Tensor, height: int, width: int) -> Tensor:
    """Crop -1..1 -> the whole picture's -1..1, with the reference's transform (n, 3, 3)."""
    px = (points[..., :2] * 0.5 + 0.5) * CROP_SIZE
    moved = torch.cat([px, torch.ones_like(px[..., :1])], -1) @ tform
    x, y = moved[..., 0] / width * 2 - 1, moved[..., 1] / height * 2 - 1
    return torch.stack([x, y, points[..., 2]], -1)


class GoldenMesh(MeshSequence):
    """Codes under the names "shape", "exp", "pose", "cam", "light", "tex" and, for whole pictures,
    "tform"."""

    def __init__(self, folder: Path, codes: dict[str, Tensor]) -> None:
        head = golden_head(folder)
        self.vertices = head.vertices(params_of(codes, head.basis)).contiguous()
        self.codes, self.fps = codes, Fraction(25)
        self.faces, self.uvs, self.uv_faces = head.faces, head.uvs, head.uv_faces
        self.albedo = albedo(convert_texture(*official_texture(folder)), codes["tex"][0])

    def __len__(self) -> int:
        return len(self.vertices)

    def meshes(self, frames: Sequence[int], height: int, width: int) -> MeshBatch:
        some = list(frames)
        screen = project(self.vertices[some], self.codes["cam"][some])
        if "tform" in self.codes:
            screen = into_picture(screen, self.codes["tform"][some], height, width)
        return MeshBatch(self.vertices[some], screen, self.codes["light"][some])


def codes_of(stored: dict[str, Tensor], prefix: str) -> dict[str, Tensor]:
    """The inputs of one golden: "p0.in.shape" -> "shape"."""
    start = f"{prefix}.in."
    return {name.removeprefix(start): v for name, v in stored.items() if name.startswith(start)}
