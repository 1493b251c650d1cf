"""Changes from outside, by ComfyUI's numbers of the blocks."""

import pytest
import torch

from magicportrait_core.diffusion.layers.attention import attend
from magicportrait_core.diffusion.layers.hooks import Hooks
from magicportrait_core.types import ChunkCondition

N = 2
#: ComfyUI's: transformers of SD1.5 in the order of computation
BLOCKS = [
    *[("input", block) for block in (1, 2, 4, 5, 7, 8)],
    ("middle", 0),
    *[("output", block) for block in range(3, 12)],
]


class Watch(Hooks):
    """Sees all, changes nothing."""

    def __init__(self):
        self.spots, self.shapes, self.joins, self.betweens = [], [], [], 0

    def watches(self, kind, site):
        return True

    def tokens(self, spot, q, k, v):
        self.spots.append(spot)
        self.shapes.append((tuple(q.shape), tuple(k.shape)))
        return q, k, v

    def attention(self, spot):
        return attend

    def attended(self, spot, out):
        return out

    def between(self, spot, tokens):
        self.betweens += 1
        return tokens

    def joined(self, block, x, skip):
        self.joins.append(block)
        return x, skip


@pytest.fixture
def call(unet, draw, text, bank):
    features, x = draw(N, 16, 8, 16), draw(N, 4, 8, 16)
    chunks = [ChunkCondition(features, None), ChunkCondition(features, bank)]
    return lambda hooks=None: unet(torch.cat([x, x]), 500, text, chunks, hooks=hooks)


def test_watching_changes_nothing(call):
    watch = Watch()
    torch.testing.assert_close(call(watch), call(), rtol=1e-4, atol=1e-5)
    texts = [spot for spot in watch.spots if spot.kind == "attn2"]
    assert [(s.site.section, s.site.block) for s in texts] == BLOCKS
    assert [s.site.index for s in texts] == list(range(16))
    assert watch.joins == list(range(12))
    assert watch.betweens == 16


def test_halves_are_told_apart(call):
    watch = Watch()
    call(watch)
    own = [(s.chunks, shapes) for s, shapes in zip(watch.spots, watch.shapes, strict=True)
           if s.kind == "attn1"]  # fmt: skip
    assert [chunks for chunks, _ in own] == [(0,), (1,)] * 16
    # 8 x 16 pixels, 16 channels; the conditional half sees as many of the portrait
    assert own[0][1] == ((N, 128, 16), (N, 128, 16))
    assert own[1][1] == ((N, 128, 16), (N, 256, 16))
    texts = [s.chunks for s in watch.spots if s.kind == "attn2"]
    assert texts == [(0, 1)] * 16


def test_a_replacement_may_return_its_values(call):
    """Perturbed attention guidance does: of the bank's half the own tokens count."""

    class Perturb(Hooks):
        def watches(self, kind, site):
            return kind == "attn1" and site.section == "middle"

        def attention(self, spot):
            return lambda q, k, v, heads: v

    out, plain = call(Perturb()), call()
    assert out.shape == plain.shape
    assert (out - plain).abs().max() > 1e-4


@pytest.mark.parametrize("method", ["tokens", "attended", "between", "pushed", "joined"])
def test_every_hook_reaches_the_output(call, method):
    hooks = Watch()
    scale = {
        "tokens": lambda spot, q, k, v: (q, k, 2 * v),
        "attended": lambda spot, out: 2 * out,
        "between": lambda spot, tokens: 2 * tokens,
        "pushed": lambda block, x: (x, 2 * x),
        "joined": lambda block, x, skip: (x, 2 * skip),
    }
    setattr(hooks, method, scale[method])
    assert (call(hooks) - call()).abs().max() > 1e-3
