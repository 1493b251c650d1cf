"""Packed layers against the layers they are made of, with and without oneDNN."""

import pytest
import torch
from torch import nn

from magicportrait_core.fast_layers import packed
from magicportrait_core.fast_layers.packed import PackedConv, PackedLinear, PixelwiseConv

CASES = {
    "linear": (lambda: nn.Linear(24, 40), PackedLinear, (3, 5, 24)),
    "linear without bias": (lambda: nn.Linear(24, 40, bias=False), PackedLinear, (7, 24)),
    "stride 2": (lambda: nn.Conv2d(24, 16, 3, 2, 1), PackedConv, (2, 24, 7, 6)),
    "few channels": (lambda: nn.Conv2d(24, 3, 3, 1, 1, bias=False), PackedConv, (2, 24, 7, 6)),
    "1x1": (lambda: nn.Conv2d(24, 16, 1), PixelwiseConv, (2, 24, 5, 3)),
}


@pytest.fixture(params=[True, False], ids=["oneDNN", "plain"])
def _onednn(request, monkeypatch):
    if not request.param:
        monkeypatch.setattr(packed, "can_pack", lambda weight: False)
    elif not packed.can_pack(torch.zeros(1)):
        pytest.skip("this torch has no oneDNN")


@pytest.mark.usefixtures("_onednn")
@pytest.mark.parametrize("name", CASES)
def test_the_same_as_the_layer(name):
    make, pack, shape = CASES[name]
    torch.manual_seed(0)
    layer, x = make().requires_grad_(False), torch.randn(shape)
    before = x.clone()
    out = pack(layer)(x)
    torch.testing.assert_close(out, layer(x), rtol=1e-5, atol=1e-6)
    if x.ndim == 4:
        last = x.to(memory_format=torch.channels_last)
        torch.testing.assert_close(pack(layer)(last), out, rtol=1e-5, atol=1e-6)
    assert torch.equal(x, before)


@pytest.mark.usefixtures("_onednn")
def test_what_comes_after_a_convolution():
    torch.manual_seed(0)
    conv, x, y = nn.Conv2d(8, 6, 3, 2, 1), torch.randn(2, 8, 9, 7), torch.randn(2, 6, 5, 4)
    with torch.no_grad():
        out, summed = PackedConv(conv, relu=True)(x), PackedConv(conv).plus(x, y)
        torch.testing.assert_close(out, conv(x).relu(), rtol=1e-5, atol=1e-6)
        torch.testing.assert_close(summed, (conv(x) + y).relu(), rtol=1e-5, atol=1e-6)


@pytest.mark.usefixtures("_onednn")
def test_weights_are_its_own():
    """What it was made of may change or go."""
    layer, x = nn.Linear(4, 4).requires_grad_(False), torch.ones(1, 4)
    linear = PackedLinear(layer)
    before = linear(x)
    layer.weight.zero_()
    layer.bias.zero_()
    assert torch.equal(linear(x), before)


def test_only_what_onednn_takes():
    assert not packed.can_pack(torch.zeros(1, dtype=torch.float64))
    assert not packed.can_pack(torch.zeros(1, device="meta"))
