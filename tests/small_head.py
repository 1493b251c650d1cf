"""A head of 62 vertices that stands on nothing but code: real classes at a tiny size.

An ellipsoid with FLAME's five joints, axes and units; its bases are smooth, random and seeded.
"""

from __future__ import annotations

from fractions import Fraction
from functools import lru_cache

import torch
from torch import Tensor

from magicportrait_core.flame.head_model import Embedding, HeadModel, LandmarkSet
from magicportrait_core.types import CROP_SIZE, Camera, HeadParams, HeadTrack

COLUMNS, ROWS = 10, 6
RADII = (0.08, 0.12, 0.1)  #: metres
JOINTS = (  # root, neck, jaw, left eye, right eye
    *((0.0, -0.16, -0.02), (0.0, -0.1, -0.02), (0.0, -0.02, 0.01)),
    *((0.03, 0.03, 0.08), (-0.03, 0.03, 0.08)),
)
NUM_SHAPE, NUM_EXPRESSION = 6, 5


@lru_cache(maxsize=1)
def small_head() -> HeadModel:
    """The head, with UVs, an eyelid basis and iBUG-68 landmarks."""
    generator = torch.Generator().manual_seed(7)
    points, faces, uvs = _ellipsoid()
    skinning = _skinning(points)
    vertices = points.T.contiguous()
    regressor = torch.softmax(-torch.cdist(torch.tensor(JOINTS), points) / 0.02, 1)

    def basis(count: int, size: float) -> Tensor:
        terms = _smooth(points)
        mix = torch.randn(count, 3, len(terms), generator=generator)
        return size * mix @ terms

    shape, expression = basis(NUM_SHAPE, 0.004), basis(NUM_EXPRESSION, 0.003)
    lids = torch.zeros(2, 3, len(points))
    for side, at in enumerate(JOINTS[3:]):  # what is above the eye comes down, what is below up
        near = torch.exp(-((points - torch.tensor(at)) / 0.05).square().sum(1))
        lids[side, 1] = -0.02 * near * torch.tanh((points[:, 1] - at[1]) / 0.02)
    return HeadModel(
        name="small",
        family="flame",
        template=vertices,
        shape_basis=shape,
        expression_basis=expression,
        pose_basis=basis(36, 0.001),
        corrective_joints=(1, 2, 3, 4),
        joints=torch.tensor(JOINTS),
        joint_shape_basis=torch.einsum("jv,nav->nja", regressor, shape),
        joint_expression_basis=torch.einsum("jv,nav->nja", regressor, expression),
        skinning=skinning,
        parents=(-1, 0, 1, 1, 1),
        roles=("root", "neck", "jaw", "left_eye", "right_eye"),
        faces=faces,
        uvs=uvs,
        uv_faces=faces,
        eyelid_basis=lids,
        landmarks=_landmarks(points, faces),
    )


def small_track(frames: int = 4, seed: int = 0, size: tuple[int, int] = (240, 320)) -> HeadTrack:
    """A head that turns, talks and blinks at random, on the small head's basis."""
    generator = torch.Generator().manual_seed(seed)

    def noise(*shape: int) -> Tensor:
        return torch.randn(*shape, generator=generator)

    params = HeadParams(
        shape=noise(NUM_SHAPE),
        expression=noise(frames, NUM_EXPRESSION),
        global_pose=0.25 * noise(frames, 3),
        jaw_pose=torch.tensor([0.15, 0.01, 0.01]) * noise(frames, 3).abs(),
        neck_pose=torch.zeros(frames, 3),
        eye_pose=0.1 * noise(frames, 6),
        eyelids=torch.rand(frames, 2, generator=generator),
        basis=small_head().basis,
    )
    crops = torch.eye(3).repeat(frames, 1, 1)
    crops[:, 0, 0] = crops[:, 1, 1] = CROP_SIZE / 160 + 0.05 * noise(frames)
    crops[:, :2, 2] = torch.tensor([-100.0, -40.0]) + 3 * noise(frames, 2)
    return HeadTrack(
        params,
        Camera(6 + 0.3 * noise(frames), 0.01 * noise(frames, 2)),
        noise(50),
        noise(frames, 9, 3),
        crops,
        torch.ones(frames, dtype=torch.bool),
        size,
        Fraction(25),
        "made_up",
    )


def _ellipsoid() -> tuple[Tensor, Tensor, Tensor]:
    """Points (v, 3), faces (f, 3) counter-clockwise from outside, uvs (v, 2)."""
    down = torch.linspace(0, torch.pi, ROWS + 2)[1:-1]
    around = torch.arange(COLUMNS) / COLUMNS * 2 * torch.pi
    ring = torch.stack([around.sin(), torch.zeros(COLUMNS), around.cos()], -1)
    rows = [ring * a.sin() + torch.tensor([0.0, 1, 0]) * a.cos() for a in down]
    poles = torch.tensor([[0.0, 1, 0], [0.0, -1, 0]])
    unit = torch.cat([*rows, poles])
    faces = []
    top, bottom, last = ROWS * COLUMNS, ROWS * COLUMNS + 1, (ROWS - 1) * COLUMNS
    for i in range(COLUMNS):
        j = (i + 1) % COLUMNS
        faces += [(top, i, j), (bottom, last + j, last + i)]
        for row in range(ROWS - 1):
            a, b = row * COLUMNS, (row + 1) * COLUMNS
            faces += [(a + i, b + i, b + j), (a + i, b + j, a + j)]
    uvs = torch.stack([(unit[:, 0] + 1) / 2, (unit[:, 1] + 1) / 2], -1)
    return unit * torch.tensor(RADII), torch.tensor(faces), uvs


def _skinning(points: Tensor) -> Tensor:
    """(5, v): neck at the foot, jaw low in front, eyeballs move nothing."""
    y, z = points[:, 1], points[:, 2]
    neck = torch.sigmoid((y + 0.1) / 0.01)  # what turns with the neck
    jaw = neck * torch.sigmoid((-0.035 - y) / 0.01) * torch.sigmoid(z / 0.02)
    return torch.stack([1 - neck, neck - jaw, jaw, 0 * y, 0 * y])


def _smooth(points: Tensor) -> Tensor:
    """(terms, v): polynomials of low degree over the head."""
    x, y, z = (points / torch.tensor(RADII)).T
    return torch.stack([torch.ones_like(x), x, y, z, x * y, y * z, x * z, x * x - y * y])


def _landmarks(points: Tensor, faces: Tensor) -> LandmarkSet:
    """The 68 points, from a drawn face in metres that is cast onto the ellipsoid."""

    def arc(count: int, center: tuple[float, float], radius: tuple[float, float], first: float):
        angles = torch.deg2rad(torch.linspace(first, first + 180, count))
        spread = torch.stack([-angles.cos(), -angles.sin()], -1) * torch.tensor(radius)
        return spread + torch.tensor(center)

    def ring(count: int, center: tuple[float, float], radius: tuple[float, float]):
        angles = torch.arange(count) / count * 2 * torch.pi
        spread = torch.stack([-angles.cos(), angles.sin()], -1) * torch.tensor(radius)
        return spread + torch.tensor(center)

    jaw = arc(17, (0.0, 0.02), (0.07, 0.12), 0)
    brows = torch.cat([arc(5, (x, 0.05), (0.02, -0.01), 0) for x in (-0.03, 0.03)])
    nose = torch.cat([torch.stack([torch.zeros(4), torch.linspace(0.03, 0, 4)], -1),
                      arc(5, (0.0, -0.005), (0.012, 0.005), 0)])  # fmt: skip
    eyes = torch.cat([ring(6, (x, 0.03), (0.015, 0.006)) for x in (-0.03, 0.03)])
    mouth = torch.cat([ring(12, (0.0, -0.035), (0.025, 0.012)),
                       ring(8, (0.0, -0.035), (0.02, 0.006))])  # fmt: skip
    static = _cast(torch.cat([brows, nose, eyes, mouth]), points, faces)
    contour = _cast(jaw, points, faces)
    table = Embedding(contour.faces.expand(79, -1), contour.bary.expand(79, -1, -1))
    both = Embedding(
        torch.cat([contour.faces, static.faces]), torch.cat([contour.bary, static.bary])
    )
    return LandmarkSet(static, table, both)


def _cast(drawn: Tensor, points: Tensor, faces: Tensor) -> Embedding:
    """Where rays from the centre through drawn (k, 2) at the front leave the surface."""
    a, b, c = RADII
    depth = c * (1 - (drawn[:, 0] / a) ** 2 - (drawn[:, 1] / b) ** 2).clamp(min=0).sqrt()
    rays = torch.cat([drawn, depth[:, None]], 1)
    corners = points[faces].mT  # (f, 3 axes, 3 corners)
    weights = torch.linalg.solve(corners[None], rays[:, None, :, None])[..., 0]  # (k, f, 3)
    best = weights.amin(-1).argmax(1)
    bary = weights[torch.arange(len(drawn)), best].clamp(min=0)
    return Embedding(best, bary / bary.sum(-1, keepdim=True))
