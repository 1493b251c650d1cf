"""The transformer over time."""

import pytest
import torch

from magicportrait_core.diffusion.layers.attention import attend
from magicportrait_core.diffusion.layers.build import Build
from magicportrait_core.diffusion.layers.forward_pass import Pass
from magicportrait_core.diffusion.motion_module import MotionModule, PositionalEncoding, positions

N = 4


@pytest.fixture
def module() -> MotionModule:
    torch.manual_seed(4)
    return MotionModule(Build(norm_groups=4, heads=4), 16, max_frames=8)


def test_positions_by_hand():
    pe = positions(3, 4)[0]
    second = 10000 ** (-2 / 4)
    for p in range(3):
        angles = torch.tensor([p, p, p * second, p * second])
        expected = torch.stack([angles[0].sin(), angles[1].cos(), angles[2].sin(), angles[3].cos()])
        torch.testing.assert_close(pe[p], expected)


def test_pixels_and_chunks_do_not_mix(module, draw):
    """A pixel sees its own frames of its own chunk; the norm is the frame's, so that is kept."""
    x = draw(2 * N, 16, 2, 3)
    module.temporal_transformer.norm = torch.nn.Identity()
    run = Pass(attend, frames=N)
    changed = x.clone()
    changed[N + 1, :, 0, 2] += 1
    difference = (module(changed, run) - module(x, run)).abs().amax(1)
    assert (difference[N:, 0, 2] > 1e-4).all()
    difference[N:, 0, 2] = 0
    assert difference.max() < 1e-6


def test_frames_know_their_place(module, draw):
    x, run = draw(N, 16, 2, 3), Pass(attend, frames=N)
    assert (module(x.flip(0), run).flip(0) - module(x, run)).abs().max() > 1e-2
    still = x[:1].expand(N, -1, -1, -1)
    assert (module(still, run).diff(dim=0)).abs().max() > 1e-3


@pytest.mark.parametrize("dtype", [torch.float16, torch.bfloat16, torch.float64])
def test_positions_follow_the_tokens(dtype):
    encoding = PositionalEncoding(16, 8)
    out = encoding(torch.zeros(2, 5, 16, dtype=dtype))
    assert out.dtype == dtype
    assert encoding.pe.dtype == torch.float32
    torch.testing.assert_close(out[1].float(), encoding.pe[0, :5], rtol=1e-2, atol=1e-2)
