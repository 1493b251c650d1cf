"""Where every layer with weights comes from: an `operations` namespace.

torch.nn by default. A host such as ComfyUI gives its own (comfy.ops), whose layers cast and patch
weights as they are used.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import torch
from torch import nn


@dataclass(frozen=True)
class Build:
    """How to make the layers of one network."""

    operations: Any = nn  #: has Linear, Conv2d, GroupNorm, LayerNorm with torch.nn's arguments
    dtype: torch.dtype | None = None  #: of the weights
    device: torch.device | str | None = None  #: "meta" allocates nothing
    norm_groups: int = 32
    heads: int = 8

    def linear(self, c_in: int, c_out: int, bias: bool = True) -> nn.Module:
        return self.operations.Linear(c_in, c_out, bias=bias, dtype=self.dtype, device=self.device)

    def conv(
        self, c_in: int, c_out: int, size: int = 3, stride: int = 1, padding: int | None = None
    ) -> nn.Module:
        """A square convolution that keeps the size at stride 1, unless told otherwise."""
        padding = size // 2 if padding is None else padding
        return self.operations.Conv2d(
            c_in, c_out, size, stride, padding, dtype=self.dtype, device=self.device
        )

    def group_norm(self, channels: int, eps: float) -> nn.Module:
        return self.operations.GroupNorm(
            self.norm_groups, channels, eps=eps, dtype=self.dtype, device=self.device
        )

    def layer_norm(self, channels: int) -> nn.Module:
        return self.operations.LayerNorm(channels, dtype=self.dtype, device=self.device)
