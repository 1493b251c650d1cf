"""flame.safetensors: vertices, joints, landmarks and their way into the picture, row by row."""

from __future__ import annotations

import re
from collections.abc import Iterator

import torch
from torch import Tensor

from magicportrait_core.flame.head_model import HeadModel
from magicportrait_core.flame.landmarks import contour, ibug68, points_on_faces
from magicportrait_core.flame.projection import crop_to_picture, project
from magicportrait_core.render.shading import Incidence, vertex_normals
from magicportrait_core.types import Camera, HeadParams
from tests.golden_head import golden_head
from tests.goldens.registry import Family, GoldenFile, inputs_only
from tests.goldens.rows import Computed

INPUTS = ("in.*",)
#: the reference projects first and turns y and z over after
UNFLIPPED = torch.tensor([1.0, -1.0, -1.0])


def params_of(
    head: HeadModel, shape: Tensor, expression: Tensor, pose: Tensor, eyes: Tensor | None = None
) -> HeadParams:
    """One frame. shape: (n_s,), expression: (n_e,), pose: (6,) head and jaw, eyes: (6,)."""
    return HeadParams(
        shape, expression[None], pose[None, :3], pose[None, 3:], torch.zeros(1, 3),
        torch.zeros(1, 6) if eyes is None else eyes[None], None, head.basis,
    )  # fmt: skip


def compute(file: GoldenFile) -> Iterator[Computed]:
    """Everything; names with row or picture numbers at their end say which."""
    stored, head = file.tensors, golden_head(file.folder)
    rows = range(len(stored["in.shape"]))
    codes = [stored[f"in.{key}"] for key in ("shape", "exp", "pose", "eye_pose")]
    posed = [_pose(head, *(values[row] for values in codes)) for row in rows]
    joined = {key: torch.cat([values[key] for values in posed]) for key in posed[0]}
    for name, value in joined.items():
        yield Computed(name, value)
    camera = Camera(stored["in.cam"][:, 0], stored["in.cam"][:, 1:])
    landmarks = project(joined["landmarks3d"], camera)
    yield Computed("orth_proj_flipped_landmarks3d", landmarks)
    yield Computed("orth_proj_landmarks3d", landmarks * UNFLIPPED)
    for name in stored:
        if found := re.fullmatch(r"transform_points_(\d+)x(\d+)", name):
            height, width = int(found[1]), int(found[2])
            crops = stored["in.tform_crop"]
            yield Computed(name, crop_to_picture(landmarks, crops, height, width))
        if found := re.fullmatch(r"(trans_verts|vertex_normals|noeye\.vertices)_([\d_]+)", name):
            chosen = [int(row) for row in found[2].split("_")]
            if found[1] == "trans_verts":
                yield Computed(name, project(joined["vertices"][chosen], camera[chosen]))
            elif found[1] == "vertex_normals":
                yield Computed(name, _normals(joined["vertices"][chosen], head))
            else:
                still = [_pose(head, *(values[row] for values in codes[:3])) for row in chosen]
                yield Computed(name, torch.cat([values["vertices"] for values in still]))


def _normals(vertices: Tensor, head: HeadModel) -> Tensor:
    return vertex_normals(vertices, head.faces, Incidence.of(head.faces)).permute(1, 2, 0)


def _pose(head: HeadModel, *codes: Tensor) -> dict[str, Tensor]:
    """One row of everything that needs no camera."""
    params = params_of(head, *codes)
    shaped = head.shaped(params.shape)
    points, joints = shaped.posed(params)
    vertices, rotations = points.transpose(1, 2), shaped.rotations(params)
    line = contour(head.landmarks, rotations[:, 0], rotations[:, 1])
    pose = (params.global_pose, params.neck_pose, params.jaw_pose, params.eye_pose)
    return {
        "full_pose": torch.cat(pose, 1),
        "rot_mats": rotations,
        "vertices": vertices,
        "joints_transformed": joints,
        "landmarks2d": ibug68(
            vertices, head.faces, head.landmarks, rotations[:, 0], rotations[:, 1]
        ),
        "landmarks3d": points_on_faces(vertices, head.faces, head.landmarks.full),
        "dyn_lmk_faces_idx": line.faces,
        "dyn_lmk_bary": line.bary,
    }


FAMILY = Family("flame*.safetensors", compute, INPUTS)
HEAD = inputs_only("synth_flame*")
