"""A few points of the small head, and a clip of them whose every parameter is known."""

from types import SimpleNamespace

import pytest
import torch

from magicportrait_core.flame.fitting.equations import Observations, Priors, project
from magicportrait_core.flame.fitting.points import HeadPoints, PointState
from magicportrait_core.flame.head_model import Embedding
from magicportrait_core.flame.lbs import rotation_matrix

FRAMES, POINTS = 7, 24


@pytest.fixture
def random():
    return torch.Generator().manual_seed(3)


@pytest.fixture
def embedding(small_head, random):
    faces = torch.randperm(len(small_head.faces), generator=random)[:POINTS]
    bary = torch.rand(POINTS, 3, generator=random) + 0.1
    return Embedding(faces, bary / bary.sum(1, keepdim=True))


@pytest.fixture
def points(small_head, embedding):
    skull, slack = torch.linspace(0, 1, POINTS), torch.full((POINTS,), 0.002)
    shapes, expressions = torch.arange(4), torch.arange(5)
    return HeadPoints(small_head, embedding, shapes, expressions, skull, slack)


@pytest.fixture
def state(points, random):
    """FRAMES frames of random but sensible parameters."""

    def draw(*shape, scale=1.0):
        return scale * torch.randn(*shape, generator=random)

    return PointState(
        shape=draw(4), offset=draw(POINTS, 3, scale=0.001), expression=draw(FRAMES, 5),
        eyelids=torch.rand(FRAMES, len(points.still.eyelids), generator=random),
        jaw=draw(FRAMES, 3, scale=0.03), turn=rotation_matrix(draw(FRAMES, 3, scale=0.3)),
        log_scale=1.8 + draw(FRAMES, scale=0.05), place=draw(FRAMES, 2, scale=0.1), nearness=1.2,
    )  # fmt: skip


@pytest.fixture
def observed(points, state, random):
    """What the state shows, with a little noise; frame 4 comes after a cut."""
    seen, _ = project(points(state).points, state)
    seen = seen + 0.004 * torch.randn(seen.shape, generator=random)
    gap = torch.ones(FRAMES)
    gap[0] = gap[4] = float("inf")
    gap[2] = 3
    trust = 0.3 + 0.7 * torch.rand(FRAMES, POINTS, generator=random)
    return Observations(seen, trust, gap, torch.ones(FRAMES))


@pytest.fixture
def fit(points, state, observed):
    return SimpleNamespace(points=points, state=state, obs=observed, priors=Priors())
