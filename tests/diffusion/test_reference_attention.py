"""What a frame sees of the portrait, against the reference's way of computing it."""

import pytest
import torch

from magicportrait_core.diffusion.layers.attention import attend, attend_plain
from magicportrait_core.diffusion.layers.build import Build
from magicportrait_core.diffusion.layers.forward_pass import Pass, group_chunks
from magicportrait_core.diffusion.layers.hooks import Site
from magicportrait_core.diffusion.layers.transformer_layers import Attention
from magicportrait_core.diffusion.reference_attention import self_attention
from magicportrait_core.errors import InputError
from magicportrait_core.types import ChunkCondition, ReferenceCondition

SITE = Site("block", "input", 1, 0)
FRAMES = 3


@pytest.fixture
def layer() -> Attention:
    torch.manual_seed(3)
    return Attention(Build(heads=4), 16)


@pytest.fixture
def seen(draw) -> ReferenceCondition:
    return ReferenceCondition({"block": draw(1, 6, 16)})


def as_the_reference(layer, tokens, state):
    """Every frame with a copy of the bank among its tokens, projected anew."""
    both = torch.cat([tokens, state.expand(len(tokens), -1, -1)], 1)
    q, k, v = layer.to_q(tokens), layer.to_k(both), layer.to_v(both)
    return layer.output(attend_plain(q, k, v, layer.heads))


@pytest.mark.parametrize("way", [attend, attend_plain])
def test_only_conditional_chunks_see_the_bank(layer, seen, draw, way):
    x = draw(2 * FRAMES, 5, 16)
    chunks = [ChunkCondition(None, None), ChunkCondition(None, seen)]
    out = self_attention(layer, SITE, x, Pass(way, FRAMES, groups=group_chunks(chunks, FRAMES)))
    torch.testing.assert_close(out[:FRAMES], layer(x[:FRAMES], attend_plain))
    expected = as_the_reference(layer, x[FRAMES:], seen.states["block"])
    torch.testing.assert_close(out[FRAMES:], expected)
    assert (expected - layer(x[FRAMES:], attend_plain)).abs().max() > 0.01


def test_any_order_and_several_banks(layer, seen, draw):
    """Chunks come as a host batches them."""
    other = ReferenceCondition({"block": draw(1, 4, 16)})
    references = [seen, None, other, other, None]
    x = draw(5 * FRAMES, 5, 16)
    groups = group_chunks([ChunkCondition(None, r) for r in references], FRAMES)
    assert [group.chunks for group in groups] == [(0,), (1,), (2, 3), (4,)]
    out = self_attention(layer, SITE, x, Pass(attend, FRAMES, groups=groups)).split(FRAMES)
    for part, tokens, reference in zip(out, x.split(FRAMES), references, strict=True):
        if reference is None:
            expected = layer(tokens, attend_plain)
        else:
            expected = as_the_reference(layer, tokens, reference.states["block"])
        torch.testing.assert_close(part, expected)


def test_each_token_is_projected_once(layer, seen, draw):
    """Keys: the batch's own and one row of the bank; nothing for a second forward's bank."""
    rows = []
    layer.to_k.register_forward_hook(lambda module, given, out: rows.append(tuple(out.shape)))
    chunks = [ChunkCondition(None, None), ChunkCondition(None, seen)]
    run = Pass(attend, FRAMES, groups=group_chunks(chunks, FRAMES))
    for _ in range(2):
        self_attention(layer, SITE, draw(2 * FRAMES, 5, 16), run)
    assert sorted(rows) == [(1, 6, 16), (2 * FRAMES, 5, 16), (2 * FRAMES, 5, 16)]


def test_a_bank_of_another_model_is_refused(layer, draw):
    stranger = ReferenceCondition({"other block": draw(1, 6, 16)})
    groups = group_chunks([ChunkCondition(None, stranger)], 1)
    with pytest.raises(InputError, match="no bank for block"):
        self_attention(layer, SITE, draw(1, 5, 16), Pass(attend, groups=groups))
