"""A head whose every number is known, seen as a landmark network would see it.

The golden head, with an identity that its basis cannot make, acts before a perspective camera at
four head widths. Landmarks carry a constant 2-D bias, noise that is correlated in time, and gaps.
`python -m tests.synthetic_figures` prints how near a fit comes.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, replace
from fractions import Fraction

import torch
from torch import Tensor

from magicportrait_core.flame.head_model import Embedding, HeadModel
from magicportrait_core.flame.landmarks import points_on_faces
from magicportrait_core.flame.lbs import rotation_matrix
from magicportrait_core.types import FaceTrack, HeadParams

SIDE, HEAD_PX, FRAMES = 512, 190, 150
PX_PER_METRE = 1111  #: where the head is: HEAD_PX over its width
BIAS, NOISE = 2.0, 1.0  #: px
SMILE, BROW = 0.003, 0.0025  #: metres, standard deviation of mouth width and brow height
ACTING = 0.3  #: standard deviations of the first 20 expressions besides
FLATNESS, DEPTH_NOISE = 0.8, 4.0  #: of the landmarks' depth: factor, px
IDENTITY = 0.5  #: standard deviations of the shape coefficients
OUTSIDE = 0.0007  #: metres, what the basis cannot make
LIPS, CORNERS, BROWS, EYES = (62, 66), (48, 54), ((19, 37), (24, 44)), ((37, 41), (44, 46))


@dataclass(frozen=True)
class Scene:
    """What was acted and what was seen."""

    head: HeadModel
    params: HeadParams
    vertices: Tensor  #: (t, v, 3) metres, with the identity outside the basis
    neutral: Tensor  #: (v, 3) metres, unturned, without expression
    seen: Tensor  #: (t, v, 2) px, without bias or noise
    as_seen: Tensor  #: (t, 3, 3) rotation relative to the ray to the head
    track: FaceTrack
    points: tuple[Tensor, Embedding]  #: mesh points and where they are
    inner: Tensor  #: (m,) vertices of the inner face


def eyelid_basis(head: HeadModel) -> Tensor:
    """(2, 3, v): upper lids that come down onto the lower ones at 1."""
    points = points_on_faces(head.template.T[None], head.faces, head.landmarks.full)[0]
    bases = []
    for corners, lower in (((42, 45), (46, 47)), ((36, 39), (40, 41))):  # left, right
        centre = points[list(corners)].mean(0)
        width = (points[corners[1]] - points[corners[0]]).norm()
        floor = points[list(lower), 1].mean()
        offset = head.template.T - centre
        near = torch.exp(-((offset[:, :2] / (0.5 * width)) ** 2).sum(1) * 2)
        above = (head.template[1] - floor).clamp(0, 0.012)
        front = (head.template[2] > 0.03).float()
        basis = torch.zeros_like(head.template)
        basis[1] = -above * (near / near.max()).clamp(max=1) * front
        bases.append(basis)
    return torch.stack(bases)


def front_points(head: HeadModel, seed: int) -> Embedding:
    """Points as a face mesh has them: the 51 inner landmarks, 32 more round each eye, 24 round
    each brow, 60 round the mouth, 100 all over the face's front."""
    generator = torch.Generator().manual_seed(seed)
    corners = head.template.T[head.faces]
    centre = corners.mean(1)
    normal = torch.linalg.cross(corners[:, 1] - corners[:, 0], corners[:, 2] - corners[:, 0])
    normal = torch.nn.functional.normalize(normal, dim=-1)
    inside = (centre[:, 1] > -0.075) & (centre[:, 1] < 0.065) & (centre[:, 0].abs() < 0.062)
    good = inside & (normal[:, 2] > 0.35) & (centre[:, 2] > 0.02)
    good = (good & (head.faces < 3931).all(1)).nonzero()[:, 0]
    marks = points_on_faces(head.template.T[None], head.faces, head.landmarks.full)[0]
    parts = [(slice(36, 42), 32), (slice(42, 48), 32), (slice(17, 22), 24), (slice(22, 27), 24)]
    parts += [(slice(48, 68), 60)]
    chosen = [good[torch.randperm(len(good), generator=generator)[:100]]]
    for part, count in parts:
        far = torch.cdist(centre[good][:, :2], marks[part, :2]).amin(1)
        near = good[far.argsort()[: 3 * count]]
        chosen.append(near[torch.randperm(len(near), generator=generator)[:count]])
    faces = torch.cat(chosen)
    bary = torch.rand(len(faces), 3, generator=generator) + 0.1
    static = head.landmarks.static
    return Embedding(
        torch.cat([static.faces, faces]),
        torch.cat([static.bary, bary / bary.sum(1, keepdim=True)]),
    )


def wander(t: int, n: int, seconds: float, generator: torch.Generator, fps: float = 25) -> Tensor:
    """(t, n) smooth random curves, mean 0, variance 1, about so many seconds a swing."""
    sigma = seconds * fps / 4
    reach = math.ceil(3 * sigma)
    noise = torch.randn(t + 2 * reach, n, generator=generator)
    kernel = torch.exp(-0.5 * (torch.arange(-reach, reach + 1) / sigma) ** 2)
    curve = torch.nn.functional.conv1d(noise.T[:, None], kernel[None, None])[:, 0].T
    return (curve - curve.mean(0)) / curve.std(0)


def acted_expression(head: HeadModel, t: int, generator: torch.Generator) -> Tensor:
    """(t, 50): smiles, brows that go up and down, and a little of everything else.

    None of it turns or shifts the face as a whole. On the golden basis, which is random, two
    thirds of an expression is such rigid motion; FLAME's was learnt from heads that were aligned.
    """
    front = (head.template[2] > 0.02) & (head.template[1] > -0.08)
    arm = head.template[:, front].T
    arm = arm - arm.mean(0)
    axes = torch.eye(3)
    moves = [torch.linalg.cross(axis.expand_as(arm), arm) for axis in axes]
    moves = torch.stack([*moves, *(axis.expand_as(arm) for axis in axes)], -1).reshape(-1, 6)
    basis = head.expression_basis[:50, :, front].transpose(1, 2).reshape(50, -1)
    rigid = torch.linalg.lstsq(moves, basis.T).solution  # (6, 50)
    free = torch.eye(50) - torch.linalg.pinv(rigid) @ rigid
    moved = head.expression_basis[:50].transpose(1, 2)
    marks = points_on_faces(moved, head.faces, head.landmarks.full)  # (50, 68, 3)
    smile = marks[:, CORNERS[1], 0] - marks[:, CORNERS[0], 0]
    brows = [marks[:, a, 1] - marks[:, b, 1] for a, b in BROWS]
    wanted = torch.stack([smile, *brows]) @ free  # (3, 50)
    curves = wander(t, 2, 1.0, generator) * torch.tensor([SMILE, BROW])
    scripted = curves[:, [0, 1, 1]] @ torch.linalg.pinv(wanted).T
    rest = torch.cat([ACTING * wander(t, 20, 0.8, generator), torch.zeros(t, 30)], 1)
    return (scripted + rest) @ free.T


def act(head: HeadModel, seed: int = 0, t: int = FRAMES) -> Scene:
    """Make the scene."""
    generator = torch.Generator().manual_seed(seed)
    head = replace(head, eyelid_basis=eyelid_basis(head))
    shape = torch.randn(100, generator=generator) * IDENTITY
    expression = acted_expression(head, t, generator)
    angles = wander(t, 3, 2.0, generator) * torch.tensor([6.0, 12.0, 5.0])  # pitch, yaw, roll
    pose = torch.deg2rad(angles)
    jaw = torch.zeros(t, 3)
    jaw[:, 0] = 0.12 * (wander(t, 1, 0.5, generator)[:, 0] + 0.6).clamp(0, 2.2)
    lids = torch.zeros(t, 2)
    for start in range(12, t - 10, 29):
        lids[start : start + 7] = torch.tensor([0.3, 0.7, 1, 1, 0.8, 0.5, 0.2])[:, None]
    params = HeadParams(
        shape, expression, pose, jaw, torch.zeros(t, 3), torch.zeros(t, 6), lids, head.basis
    )
    bumps = head.template.T[torch.randint(0, 3931, (40,), generator=generator)]
    push = torch.randn(40, 3, generator=generator)
    far = torch.cdist(head.template.T, bumps)
    outside = torch.exp(-((far / 0.02) ** 2)) @ push
    outside = outside * (OUTSIDE / outside.square().mean().sqrt())
    odd = replace(head, template=head.template + outside.T)
    vertices = odd.shaped(shape).vertices(params)
    neutral = odd.shaped(shape).template.T

    width = float(head.template[0].amax() - head.template[0].amin())
    distance = 4 * width * (1 + 0.075 * wander(t, 1, 3.0, generator)[:, 0].clamp(-1, 1))
    focal = HEAD_PX / width * 4 * width
    place = wander(t, 2, 2.5, generator).clamp(-1.5, 1.5) * 0.1 * width
    x, y, z = vertices.unbind(-1)
    camera = torch.stack([x + place[:, :1], y + place[:, 1:], z - distance[:, None]], -1)
    flat = camera[..., :2] / -camera[..., 2:]
    seen = focal * flat * torch.tensor([1.0, -1.0]) + SIDE / 2 - 0.5
    inner = inner_face(head)
    align = onto_axis(camera[:, inner].mean(1))
    as_seen = align @ rotation_matrix(pose)

    embedding = front_points(head, seed + 1)
    indices = torch.arange(len(embedding.faces))
    flat = torch.cat([seen, torch.zeros(t, seen.shape[1], 1)], -1)
    exact = points_on_faces(flat, head.faces, embedding)[..., :2]
    bias = torch.randn(len(indices), 2, generator=generator)
    bias = BIAS * bias / bias.square().sum(1).mean().sqrt()
    shaky = wander(t, 2 * len(indices), 0.15, generator).reshape(t, -1, 2)
    # depth as a network gives it: flattened, each point off by a tenth of a face, and shaky
    deep = points_on_faces(vertices @ align.transpose(1, 2), head.faces, embedding)[..., 2]
    deep = -FLATNESS * HEAD_PX / width * deep
    deep = deep + HEAD_PX / 10 * torch.randn(len(indices), generator=generator)
    deep = deep + DEPTH_NOISE * wander(t, len(indices), 0.15, generator)
    shaky = NOISE * shaky / math.sqrt(2)
    valid = torch.rand(t, generator=generator) >= 0.1
    landmarks = torch.zeros(t, 478, 3)
    landmarks[:, indices, :2] = exact + bias + shaky
    landmarks[:, indices, 2] = deep
    landmarks[:, len(indices) :, :2] = landmarks[:, :1, :2]
    landmarks[~valid] += 30
    low, high = exact.amin(1), exact.amax(1)
    track = FaceTrack(
        torch.cat([low, high], 1), landmarks, valid.float(), valid, (SIDE, SIDE), Fraction(25)
    )
    return Scene(head, params, vertices, neutral, seen, as_seen, track, (indices, embedding), inner)


def inner_face(head: HeadModel) -> Tensor:
    """Vertices between brows and chin that face the camera."""
    x, y, z = head.template
    inside = (y > -0.06) & (y < 0.05) & (x.abs() < 0.05) & (z > 0.045)
    inside[3931:] = False  # the eyeballs
    return inside.nonzero()[:, 0]


def onto_axis(ray: Tensor) -> Tensor:
    """(t, 3) -> (t, 3, 3) the rotations that turn rays onto the camera's axis, -z.

    A head beside the axis is seen turned by its ray, which no picture of it alone can tell from a
    turned head on the axis.
    """
    ray = ray / ray.norm(dim=1, keepdim=True)
    axis = torch.linalg.cross(ray, torch.tensor([0.0, 0.0, -1.0]).expand_as(ray))
    sine = axis.norm(dim=1, keepdim=True)
    return rotation_matrix(axis / sine.clamp(min=1e-9) * torch.asin(sine.clamp(max=1)))
