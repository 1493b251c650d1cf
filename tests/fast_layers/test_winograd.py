"""Winograd's convolutions against torch's, in double precision."""

import pytest
import torch
import torch.nn.functional as F
from torch import nn

from magicportrait_core.diffusion.layers.build import Build
from magicportrait_core.diffusion.layers.resnet import Upsample
from magicportrait_core.fast_layers import winograd
from magicportrait_core.fast_layers.winograd import WinogradConv, WinogradUpsample

SIZES = [(1, 1), (2, 2), (1, 6), (5, 7), (8, 12)]


def close(a, exact):
    error = ((a.double() - exact).norm() / exact.norm()).item()
    assert error < 1e-6
    return True


def exactly(conv, x):
    weight, bias = conv.weight.double(), None if conv.bias is None else conv.bias.double()
    return F.conv2d(x.double(), weight, bias, padding=1)


@pytest.fixture
def draw():
    generator = torch.Generator().manual_seed(2)
    return lambda *shape: torch.randn(shape, generator=generator)


@pytest.fixture
def conv() -> nn.Conv2d:
    torch.manual_seed(0)
    return nn.Conv2d(24, 20, 3, padding=1).requires_grad_(False)


@pytest.mark.parametrize("size", SIZES)
def test_a_convolution(conv, draw, size):
    x = draw(3, 24, *size)
    out = WinogradConv(conv)(x)
    assert out.shape == (3, 20, *size)
    assert close(out, exactly(conv, x))
    assert torch.equal(WinogradConv(conv)(x.to(memory_format=torch.channels_last)), out)


@pytest.mark.parametrize("size", SIZES)
def test_after_doubling_the_size(conv, draw, size):
    x = draw(3, 24, *size)
    doubled = F.interpolate(x, scale_factor=2.0, mode="nearest")
    out = WinogradUpsample(conv)(x, (2 * size[0], 2 * size[1]))
    assert close(out, exactly(conv, doubled))
    assert torch.equal(WinogradUpsample(conv)(x), out)


def test_to_a_size_that_is_not_twice(draw):
    plain = Upsample(Build(), 16).requires_grad_(False)
    x = draw(2, 16, 3, 4)
    out = WinogradUpsample(plain.conv)(x, (5, 7))
    torch.testing.assert_close(out, plain(x, (5, 7)), rtol=1e-5, atol=1e-6)


def test_without_a_bias_and_in_pieces(draw, monkeypatch):
    conv = nn.Conv2d(16, 16, 3, padding=1, bias=False).requires_grad_(False)
    x = draw(5, 16, 6, 6)
    out = WinogradConv(conv)(x)
    assert close(out, exactly(conv, x))
    monkeypatch.setattr(winograd, "MIXTURE_BYTES", 16 * 9 * 16 * 4 * 2)  # of two pictures
    torch.testing.assert_close(WinogradConv(conv)(x), out, rtol=1e-5, atol=1e-6)


def test_the_input_stays(conv, draw):
    x = draw(1, 24, 4, 4)
    before = x.clone()
    WinogradConv(conv)(x)
    WinogradUpsample(conv)(x)
    assert torch.equal(x, before)
