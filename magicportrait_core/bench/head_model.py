"""A head model of FLAME's sizes made by the tool itself: 4,990 vertices, smooth random bases."""

from __future__ import annotations

import math

import torch
from torch import Tensor

from ..flame.head_model import Embedding, HeadModel
from ..flame.trackers.deca_smirk import BASIS
from ..types import NUM_LANDMARKS, HeadParams
from .head_mesh import FPS, head_faces, head_vertices

NUM_SHAPE, NUM_EXPRESSION = 100, 50  #: FLAME has more, trackers use these
METRES = 0.125  #: of a unit of `head_mesh`: the head is 25 cm high
#: metres: root, neck, jaw, left eye, right eye
_JOINTS = (
    *((0.0, -0.13, -0.02), (0.0, -0.09, -0.02), (0.0, -0.02, 0.01)),
    *((0.033, 0.015, 0.07), (-0.033, 0.015, 0.07)),
)
_WAVES = 24  #: of which every basis is made


def bench_head() -> HeadModel:
    """The head: closed, five joints, 100 shapes, 50 expressions, mesh points all over its face."""
    generator = torch.Generator().manual_seed(0)
    points = head_vertices() * METRES
    faces, uvs, uv_faces = head_faces()
    waves = torch.randn(3, _WAVES, generator=generator) * 15
    phase = torch.rand(_WAVES, generator=generator) * 2 * math.pi
    terms = torch.sin(points @ waves + phase).T  # (waves, v)

    def basis(count: int, size: float) -> Tensor:
        mix = torch.randn(count, 3, _WAVES, generator=generator) / math.sqrt(_WAVES)
        return size * mix @ terms

    regressor = joint_regressor(points)
    shape, expression = basis(NUM_SHAPE, 0.001), basis(NUM_EXPRESSION, 0.001)
    return HeadModel(
        name="bench",
        family="flame",
        template=points.T.contiguous(),
        shape_basis=shape,
        expression_basis=expression,
        pose_basis=basis(36, 0.001),
        corrective_joints=(1, 2, 3, 4),
        joints=regressor @ points,
        joint_shape_basis=torch.einsum("jv,nav->nja", regressor, shape),
        joint_expression_basis=torch.einsum("jv,nav->nja", regressor, expression),
        skinning=_skinning(points),
        parents=(-1, 0, 1, 1, 1),
        roles=("root", "neck", "jaw", "left_eye", "right_eye"),
        faces=faces,
        uvs=uvs,
        uv_faces=uv_faces,
        mesh_points=(torch.arange(NUM_LANDMARKS), _front_points(points, faces, generator)),
        source={"codes": BASIS},  # so that deca_smirk takes it
    )


def joint_regressor(points: Tensor) -> Tensor:
    """(5, v): each joint is a mean of the vertices, mostly of those round it."""
    return torch.softmax(-torch.cdist(torch.tensor(_JOINTS), points) / 0.01, 1)


def acting(frames: int) -> HeadParams:
    """A head that turns, talks and makes faces, on the bench's head."""
    generator = torch.Generator().manual_seed(1)
    seconds = torch.arange(frames)[:, None] / float(FPS)

    def swing(width: int, size: float) -> Tensor:
        speed = 0.3 + torch.rand(width, generator=generator)
        start = torch.rand(width, generator=generator)
        return size * torch.sin(2 * math.pi * (speed * seconds + start))

    jaw = torch.zeros(frames, 3)
    jaw[:, :1] = swing(1, 0.1) + 0.1
    return HeadParams(
        shape=torch.randn(NUM_SHAPE, generator=generator) * 0.5,
        expression=swing(NUM_EXPRESSION, 0.5),
        global_pose=swing(3, 0.2),
        jaw_pose=jaw,
        neck_pose=swing(3, 0.05),
        eye_pose=swing(6, 0.1),
        eyelids=None,
        basis=bench_head().basis,
    )


def _skinning(points: Tensor) -> Tensor:
    """(5, v): the neck at the foot, the jaw low in front, a little of the eyes round them."""
    _, y, z = points.T
    neck = torch.sigmoid((y + 0.09) / 0.01)  # what turns with the neck
    jaw = neck * torch.sigmoid((-0.035 - y) / 0.01) * torch.sigmoid(z / 0.02)
    near = torch.cdist(torch.tensor(_JOINTS[3:]), points)
    eyes = 0.5 * (neck - jaw) * torch.exp(-((near / 0.01) ** 2))
    return torch.stack([1 - neck, neck - jaw - eyes.sum(0), jaw, *eyes])


def _front_points(points: Tensor, faces: Tensor, generator: torch.Generator) -> Embedding:
    """NUM_LANDMARKS places on faces that look ahead."""
    corners = points[faces]
    normal = torch.linalg.cross(corners[:, 1] - corners[:, 0], corners[:, 2] - corners[:, 0])
    ahead = (torch.nn.functional.normalize(normal, dim=-1)[:, 2] > 0.4).nonzero()[:, 0]
    chosen = ahead[torch.randperm(len(ahead), generator=generator)[:NUM_LANDMARKS]]
    bary = torch.rand(NUM_LANDMARKS, 3, generator=generator) + 0.1
    return Embedding(chosen, bary / bary.sum(1, keepdim=True))
