"""Compiled blocks give the same numbers, and go on where nothing can be compiled."""

import copy

import pytest
import torch

from magicportrait_core.diffusion.speed.compiled import CompiledBlock, compile_blocks
from magicportrait_core.errors import MagicPortraitWarning
from magicportrait_core.types import ChunkCondition


@pytest.fixture
def predict(bank, text, draw):
    x, chunks = draw(2, 4, 8, 16), [ChunkCondition(draw(2, 16, 8, 16), bank)]
    return lambda network: network(x, 500, text, chunks)


def test_compiled(unet, predict):
    """eager is the compiler that needs nothing installed."""
    expected, fast = predict(unet), compile_blocks(copy.deepcopy(unet), "eager")
    assert sum(isinstance(module, CompiledBlock) for module in fast.modules()) == 16 + 21
    torch.testing.assert_close(predict(fast), expected, rtol=1e-5, atol=1e-6)


def test_no_compiler(unet, predict, monkeypatch):
    def broken(*given):
        raise RuntimeError("no C compiler\nat all")

    expected = predict(unet)
    monkeypatch.setattr(torch, "compile", lambda block, backend: broken)
    fast = compile_blocks(copy.deepcopy(unet))
    with pytest.warns(MagicPortraitWarning, match="runs uncompiled: no C compiler$"):
        found = predict(fast)
    assert torch.equal(found, expected)
    assert torch.equal(predict(fast), expected)  # it does not try again
