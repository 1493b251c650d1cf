"""Every way to compute attention gives the equation's numbers."""

import pytest
import torch
import torch.nn.functional as F

from magicportrait_core.diffusion.layers import attention
from magicportrait_core.diffusion.layers.attention import (
    attend,
    attend_fused,
    attend_in_chunks,
    attend_plain,
)
from magicportrait_core.diffusion.layers.shared_keys import (
    attend_shared,
    partial_attention,
    partial_plain,
)

HEADS = 4


@pytest.fixture
def tokens(draw):
    return draw(3, 10, 16), draw(3, 7, 16), draw(3, 7, 16)


def test_one_query_by_hand():
    """Two keys, scores 0 and ln 3: weights 1/4 and 3/4. One head, d = 1."""
    q, k = torch.tensor([[[1.0]]]), torch.tensor([[[0.0], [3.0**0.5]]])
    k[0, 1, 0] = torch.log(torch.tensor(3.0))
    v = torch.tensor([[[4.0], [8.0]]])
    assert attend_plain(q, k, v, 1).item() == pytest.approx(7)


def test_heads_do_not_mix(tokens):
    q, k, v = tokens
    whole = attend_plain(q, k, v, HEADS)
    changed = attend_plain(q, k, torch.cat([v[..., :4], 5 * v[..., 4:]], -1), HEADS)
    torch.testing.assert_close(changed[..., :4], whole[..., :4])
    torch.testing.assert_close(changed[..., 4:], 5 * whole[..., 4:])


@pytest.mark.parametrize("way", [attend, attend_fused])
def test_ways_agree(way, tokens):
    torch.testing.assert_close(way(*tokens, HEADS), attend_plain(*tokens, HEADS))


@pytest.mark.parametrize("limit", [1, 500, 4 * HEADS * 7 * 10, 1 << 20])
def test_chunks_agree_and_stay_small(limit, tokens, monkeypatch):
    largest = []

    def watched(q, k, v, heads):
        largest.append(q.shape[0] * heads * q.shape[1] * k.shape[1] * q.element_size())
        return attend_plain(q, k, v, heads)

    monkeypatch.setattr(attention, "attend_plain", watched)
    torch.testing.assert_close(
        attend_in_chunks(*tokens, HEADS, limit), attend_plain(*tokens, HEADS)
    )
    assert max(largest) <= max(limit, 4 * HEADS * 7)  # one query of one row is the least


def test_unfused_devices_take_chunks(tokens, monkeypatch):
    monkeypatch.setattr(attention, "FUSED_DEVICES", ())
    monkeypatch.setattr(attention, "MATRIX_BYTES", 100)
    monkeypatch.setattr(attention, "attend_in_chunks", lambda q, k, v, heads: "in chunks")
    assert attend(*tokens, HEADS) == "in chunks"
    monkeypatch.setattr(attention, "MATRIX_BYTES", 1 << 20)
    torch.testing.assert_close(attend(*tokens, HEADS), attend_plain(*tokens, HEADS))


def copied(q, k, v, shared_k, shared_v):
    """The shared tokens as a part of every row's."""
    k, v = (torch.cat([x, s.expand(len(x), -1, -1)], 1) for x, s in ((k, shared_k), (v, shared_v)))
    return attend_plain(q, k, v, HEADS)


@pytest.mark.parametrize("size", [1.0, 30.0])
def test_shared_keys_are_one_softmax(draw, size):
    """Also where one part takes nearly all of the weight."""
    q, k, v = draw(3, 10, 16), draw(3, 10, 16), draw(3, 10, 16)
    shared_k, shared_v = size * draw(1, 6, 16), draw(1, 6, 16)
    expected = copied(q, k, v, shared_k, shared_v)
    for partial in (partial_plain, partial_attention(q)):
        assert partial is not None
        out = attend_shared(q, k, v, shared_k, shared_v, HEADS, partial)
        torch.testing.assert_close(out, expected)


def test_gradients_take_the_plain_way(draw):
    assert partial_attention(draw(1, 2, 4).requires_grad_()) is None


@pytest.mark.skipif(not torch.cuda.is_available(), reason="no CUDA device")
@pytest.mark.parametrize("dtype", [torch.float32, torch.float16, torch.bfloat16])
def test_shared_keys_on_cuda(draw, dtype):
    given = [draw(3, 50, 160).to("cuda", dtype) for _ in range(3)]
    shared = [draw(1, 30, 160).to("cuda", dtype) for _ in range(2)]
    partial = partial_attention(given[0])
    out = attend_shared(*given, *shared, HEADS, partial).float()
    expected = copied(*(x.float() for x in (*given, *shared)))
    loose = {torch.float32: 1e-5, torch.float16: 2e-3, torch.bfloat16: 2e-2}[dtype]
    torch.testing.assert_close(out, expected, rtol=loose, atol=loose)


def test_fused_is_torchs(tokens):
    q, k, v = (x.unflatten(-1, (HEADS, -1)).transpose(1, 2) for x in tokens)
    expected = F.scaled_dot_product_attention(q, k, v).transpose(1, 2).flatten(2)
    torch.testing.assert_close(attend(*tokens, HEADS), expected)
