"""The cost of posing a head of FLAME's sizes: bases, correctives, linear blend skinning."""

from __future__ import annotations

from collections.abc import Callable
from importlib.util import find_spec
from typing import Any

import torch
from torch import Tensor

from ..flame.head_model import HeadModel
from ..flame.lbs import joint_transforms, skin_plain
from ..threads import one_thread
from ..types import HeadParams, Progress, no_progress
from .head_model import acting, bench_head, joint_regressor
from .measure import per_frame, summary

REPEATS = 20  #: runs, of which the fastest counts


def bench_flame(frames: int = 64, progress: Progress = no_progress) -> dict[str, Any]:
    """Pose ``frames`` frames at once, on one thread, 100 shapes and 50 expressions.

    Backends: planar is `HeadModel.vertices`; plain its slow twin; smplx the package of that name
    where it is installed, on the same numbers. See `measure.summary` for what is returned.
    """
    head, params = bench_head(), acting(frames)
    works: dict[str, Callable[[], Tensor]] = {
        "planar": lambda: head.vertices(params),
        "plain": lambda: vertices_plain(head, params),
    }
    if find_spec("smplx"):
        works["smplx"] = lambda: vertices_smplx(head, params)
    found = {}
    with one_thread(), torch.inference_mode():
        for done, (name, work) in enumerate(works.items()):
            progress("timing heads", done, len(works))
            work()  # warms up memory
            found[name] = per_frame(work, frames, REPEATS)
        progress("timing heads", len(works), len(works))
    return summary(found)


def vertices_plain(head: HeadModel, params: HeadParams) -> Tensor:
    """The slow twin of `HeadModel.vertices`, (t, v, 3): every term in every frame, unfused."""
    t = len(params)
    coefficients = torch.cat([params.shape.expand(t, -1), params.expression], 1)
    n_s, n_e = len(params.shape), params.expression.shape[1]

    def blended(shapes: Tensor, expressions: Tensor) -> Tensor:
        both = torch.cat([shapes[:n_s], expressions[:n_e]])
        return torch.einsum("tn,n...->t...", coefficients, both)

    points = head.template + blended(head.shape_basis, head.expression_basis)
    joints = head.joints + blended(head.joint_shape_basis, head.joint_expression_basis)
    rotations = head.shaped(params.shape).rotations(params)
    still = torch.eye(3)
    turned = (rotations[:, list(head.corrective_joints)] - still).flatten(1)
    points = points + torch.einsum("tn,nav->tav", turned, head.pose_basis)
    transforms, _ = joint_transforms(rotations, joints, head.parents)
    return skin_plain(points, transforms, head.skinning).transpose(1, 2)


def vertices_smplx(head: HeadModel, params: HeadParams) -> Tensor:
    """The same by smplx's `lbs`, (t, v, 3). https://github.com/vchoutas/smplx"""
    from smplx.lbs import lbs

    t = len(params)
    betas = torch.cat([params.shape.expand(t, -1), params.expression], 1)
    bases = torch.cat([head.shape_basis, head.expression_basis]).permute(2, 1, 0)
    pose = torch.cat(
        [params.global_pose, params.neck_pose, params.jaw_pose, params.eye_pose], 1
    )  # fmt: skip
    posed, _ = lbs(
        betas, pose, head.template.T.expand(t, -1, -1), bases,
        head.pose_basis.transpose(1, 2).flatten(1), joint_regressor(head.template.T),
        torch.tensor(head.parents), head.skinning.T,
    )  # fmt: skip
    return posed
