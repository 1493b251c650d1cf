"""Which depths are 1 and 0."""

import pytest
import torch

from magicportrait_core.bench.head_mesh import SwayingHead
from magicportrait_core.render.ranges import (
    TOLERANCE,
    clip_ranges,
    ranges_of,
    steady_ranges,
    whole_range,
)


def wandering(frames: int = 120, noise: float = 0.01) -> torch.Tensor:
    """A head of depth 1 that nods, with noise on both ends."""
    random = torch.Generator().manual_seed(0)
    slow = 0.05 * torch.sin(torch.arange(frames) / 30)
    ends = torch.stack([slow, 1 - slow], 1)
    return ends + noise * torch.randn(frames, 2, generator=random)


def test_ranges_are_of_all_vertices():
    screen = torch.tensor(
        [[[0, 0, 3.0], [9, 9, -1], [0, 0, 2]], [[0, 0, 5.0], [0, 0, 6], [0, 0, 7]]]
    )
    assert ranges_of(screen).tolist() == [[-1, 3], [5, 7]]


def test_the_clip_is_read_in_parts():
    head, seen = SwayingHead(37), []
    ranges = clip_ranges(head, 8, 8, lambda *call: seen.append(call))
    assert torch.allclose(ranges, ranges_of(head.meshes(range(37), 8, 8).screen))
    assert seen == [("measuring depths", done, 37) for done in (16, 32, 37)]


def test_noise_goes():
    exact = wandering()
    steady = steady_ranges(exact, 25)
    still = wandering(noise=0)
    assert (steady - still).std() < 0.5 * (exact - still).std()
    jump, before = steady.diff(dim=0).diff(dim=0).abs(), exact.diff(dim=0).diff(dim=0).abs()
    assert jump.mean() < 0.1 * before.mean()


def test_nothing_is_delayed():
    """A bump that is the same read backwards stays so, with its top in the same frame."""
    exact = torch.zeros(81, 2)
    exact[:, 0] = 0.05 * torch.exp(-(((torch.arange(81) - 40) / 12) ** 2))
    exact[:, 1] = 1
    steady = steady_ranges(exact, 25)
    assert torch.allclose(steady, steady.flip(0), atol=1e-6)
    assert int(steady[:, 0].argmax()) == 40


def test_no_depth_is_off_by_more_than_the_tolerance():
    exact = wandering(noise=0.1)
    exact[60:] += torch.tensor([0.6, -0.1])  # a cut
    steady = steady_ranges(exact, 25)
    share = torch.linspace(0, 1, 11)
    z = exact[:, :1] + share * (exact[:, 1:] - exact[:, :1])
    depth = 1 - (z - steady[:, :1]) / (steady[:, 1:] - steady[:, :1])
    off = (depth - (1 - share)).abs().max()
    assert 0.5 * TOLERANCE < off <= TOLERANCE + 1e-6


@pytest.mark.parametrize("frames", [1, 2, 3])
def test_short_clips(frames):
    exact = wandering(frames)
    assert torch.allclose(steady_ranges(exact, 25), exact, atol=0.05)


def test_a_steady_clip_stays():
    exact = torch.tensor([[0.5, 2.0]]).repeat(9, 1)
    assert torch.allclose(steady_ranges(exact, 30), exact)


def test_one_range_for_the_clip():
    assert whole_range(torch.tensor([[1.0, 2], [0, 5]])).tolist() == [[0, 5], [0, 5]]
