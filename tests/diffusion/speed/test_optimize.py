"""An optimised network gives the same numbers: on small networks, and on every golden."""

import copy
from functools import lru_cache

import pytest
import torch
from torch import nn

from magicportrait_core.diffusion.layers.build import Build
from magicportrait_core.diffusion.layers.transformer_layers import GatedProjection
from magicportrait_core.diffusion.speed.optimize import PackedGatedProjection, optimize
from magicportrait_core.diffusion.unet import DenoisingUNet
from magicportrait_core.errors import InputError
from magicportrait_core.fast_layers import PackedLinear, WinogradConv, WinogradUpsample
from magicportrait_core.types import ChunkCondition
from tests import tiny_networks
from tests.goldens import diffusion_networks, diffusion_pipeline
from tests.verify_goldens import check_file, golden_files

#: not the bank of its own: the tiny middle block normalises groups of four numbers, which makes
#: 1e-5 of any other order of sums; in the pipeline it is optimised too
GOLDENS = (
    "golden_a_guidance_encoder",
    "golden_c_denoising_unet",
    "golden_c_probes_f32bank_t999",
    "golden_d_pipeline_f32bank",
    "golden_d_pipeline_f32bank_nocfg_scale1",
)


@pytest.mark.parametrize("winograd", [True, False])
@pytest.mark.parametrize("size", [(8, 16), (9, 13)])
def test_the_same_numbers(unet, bank, text, draw, winograd, size):
    fast = optimize(copy.deepcopy(unet), winograd=winograd)
    x, features = draw(3, 4, *size).repeat(2, 1, 1, 1), draw(3, 16, *size)
    chunks = [ChunkCondition(features, None), ChunkCondition(features, bank)]
    expected = unet(x, 500, text, chunks)
    error = (fast(x, 500, text, chunks) - expected).norm() / expected.norm()
    assert 0 < error < 1e-5


def test_a_gate(draw):
    torch.manual_seed(0)
    gate, x = GatedProjection(Build(), 24, 48).requires_grad_(False), draw(2, 5, 24)
    torch.testing.assert_close(PackedGatedProjection(gate)(x), gate(x), rtol=1e-5, atol=1e-6)


def test_what_is_rewritten(unet):
    fast = optimize(copy.deepcopy(unet))
    assert fast.dtype == torch.float32
    kinds = {type(module) for module in fast.modules()}
    assert {WinogradConv, WinogradUpsample, PackedLinear} <= kinds
    assert nn.Linear not in kinds
    left = {name for name, module in fast.named_modules() if type(module) is nn.Conv2d}
    halving = {f"down_blocks.{level}.downsamplers.0.conv" for level in range(3)}
    assert left == {"conv_in", "conv_out"} | halving
    slow = {type(module) for module in optimize(copy.deepcopy(unet), winograd=False).modules()}
    assert not {WinogradConv, WinogradUpsample} & slow


def test_a_hosts_layers_are_refused(config):
    class Operations:
        class Linear(nn.Linear):
            pass

        Conv2d, GroupNorm, LayerNorm = nn.Conv2d, nn.GroupNorm, nn.LayerNorm

    with pytest.raises(InputError, match=r"time_embedding\.linear_1 is a host's Linear"):
        optimize(DenoisingUNet(config, Operations))


def test_bfloat16_is_as_near_as_before(unet, bank, text, draw):
    x, features = draw(2, 4, 8, 16), draw(2, 16, 8, 16)
    chunks = [ChunkCondition(features, bank)]
    expected = unet(x, 500, text, chunks)
    half = copy.deepcopy(unet).bfloat16()

    def error():
        out = half(x.bfloat16(), 500, text, chunks)
        return ((out - expected).norm() / expected.norm()).item()

    before = error()
    optimize(half)
    assert 1e-4 < error() < 1.5 * before


@pytest.mark.parametrize("stem", GOLDENS)
def test_golden(goldens, stem, monkeypatch):
    plain = tiny_networks.tiny_network.__wrapped__  # the other keeps what it loads

    @lru_cache
    def fast(*of):
        return optimize(plain(*of))

    for module in (tiny_networks, diffusion_networks, diffusion_pipeline):
        monkeypatch.setattr(module, "tiny_network", fast)
    folder = goldens / "diffusion"
    ((path, family),) = [pair for pair in golden_files(folder) if pair[0].stem == stem]
    rows = check_file(path, folder, family)
    assert rows
    assert [row for row in rows if not row.ok] == []
