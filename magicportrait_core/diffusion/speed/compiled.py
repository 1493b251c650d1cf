"""Blocks compiled by torch, each on its own; what cannot be compiled runs as it is."""

from __future__ import annotations

import warnings
from typing import Any

import torch
from torch import nn

from ...errors import MagicPortraitWarning
from ..layers.transformer_layers import FeedForward
from ..motion_module import TemporalBlock

#: from tensors to tensors alone: nothing in them that a compiler cannot follow
BLOCKS = (FeedForward, TemporalBlock)


class CompiledBlock(nn.Module):
    """A block, compiled at its first call; plain after a compiler's error, which is warned of."""

    def __init__(self, block: nn.Module, backend: str) -> None:
        super().__init__()
        self.block = block
        self._compiled = torch.compile(block, backend=backend)

    def forward(self, *given: Any) -> Any:
        if self._compiled is None:
            return self.block(*given)
        try:
            return self._compiled(*given)
        except torch.cuda.OutOfMemoryError:
            raise
        except Exception as error:  # compilers raise what they like
            self._compiled = None
            reason = str(error).strip().partition("\n")[0]
            warnings.warn(
                f"a {type(self.block).__name__} runs uncompiled: {reason}",
                MagicPortraitWarning,
                stacklevel=2,
            )
            return self.block(*given)


def compile_blocks(network: nn.Module, backend: str = "inductor") -> nn.Module:
    """Wrap a network's BLOCKS in place, for inference; returns it.

    Names in its state dict get a "block." more, so load weights first. backend: of torch.compile.
    """
    for name, child in network.named_children():
        if isinstance(child, BLOCKS):
            setattr(network, name, CompiledBlock(child, backend))
        else:
            compile_blocks(child, backend)
    return network
