"""Layers whose weights are laid out once for oneDNN, not at every call. CPU only, no gradients.

The layouts are what torch's own compiler uses when it freezes weights. Where this torch has no
oneDNN the layers compute the plain way.
"""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import Tensor, nn


def can_pack(weight: Tensor) -> bool:
    """Whether torch packs weights like this one."""
    if weight.device.type != "cpu" or not torch.backends.mkldnn.is_available():
        return False
    if weight.dtype == torch.bfloat16 and not torch.ops.mkldnn._is_mkldnn_bf16_supported():
        return False
    known = hasattr(torch.ops.mkldnn, "_linear_pointwise")
    return known and weight.dtype in (torch.float32, torch.bfloat16)


class Matrix:
    """x -> x W^T + b, for W (c_out, c_in)."""

    def __init__(self, weight: Tensor, bias: Tensor | None = None) -> None:
        self.packed = can_pack(weight)
        self.bias = None if bias is None else bias.detach().clone()
        weight = weight.detach().contiguous()
        if self.packed:
            self.weight = torch.ops.mkldnn._reorder_linear_weight(weight, None)
        else:
            self.weight = weight.clone()

    def __call__(self, x: Tensor) -> Tensor:  # (..., c_in) -> (..., c_out)
        if not self.packed:
            return F.linear(x, self.weight, self.bias)
        return self._fused(x, "none", "")

    def gelu(self, x: Tensor) -> Tensor:
        """The exact GELU of it."""
        if not self.packed:
            return F.gelu(self(x))
        return self._fused(x, "gelu", "none")

    def times(self, x: Tensor, factor: Tensor) -> Tensor:
        """It, times ``factor`` (..., c_out)."""
        if not self.packed:
            return self(x) * factor
        run = torch.ops.mkldnn._linear_pointwise.binary
        return run(x.contiguous(), factor, self.weight, self.bias, "mul")

    def _fused(self, x: Tensor, after: str, algorithm: str) -> Tensor:
        run = torch.ops.mkldnn._linear_pointwise
        return run(x.contiguous(), self.weight, self.bias, after, [], algorithm)


class PackedLinear(nn.Module):
    """nn.Linear."""

    def __init__(self, linear: nn.Linear) -> None:
        super().__init__()
        self.matrix = Matrix(linear.weight, linear.bias)

    def forward(self, x: Tensor) -> Tensor:
        return self.matrix(x)


class PixelwiseConv(nn.Module):
    """A 1x1 convolution: a matrix for each pixel. Channels come out innermost in memory."""

    def __init__(self, conv: nn.Conv2d) -> None:
        super().__init__()
        self.matrix = Matrix(conv.weight.flatten(1), conv.bias)

    def forward(self, x: Tensor) -> Tensor:  # (b, c_in, h, w) -> (b, c_out, h, w)
        return self.matrix(x.permute(0, 2, 3, 1)).permute(0, 3, 1, 2)


class PackedConv(nn.Module):
    """nn.Conv2d of one group without dilation, and a ReLU after it where ``relu`` is set.

    Channels come out innermost in memory.
    """

    def __init__(self, conv: nn.Conv2d, relu: bool = False) -> None:
        super().__init__()
        self.relu = relu
        self.stride, self.padding = list(conv.stride), list(conv.padding)
        self.bias = None if conv.bias is None else conv.bias.detach().clone()
        weight = conv.weight.detach().contiguous()
        self.packed = can_pack(weight)
        if self.packed:
            reorder = torch.ops.mkldnn._reorder_convolution_weight
            self.weight = reorder(weight, self.padding, self.stride, [1, 1], 1)
        else:
            self.weight = weight.clone(memory_format=torch.channels_last)

    def forward(self, x: Tensor) -> Tensor:  # (b, c_in, h, w) -> (b, c_out, h', w')
        x = x.contiguous(memory_format=torch.channels_last)
        if not self.packed:
            return F.relu(self._plain(x)) if self.relu else self._plain(x)
        run = torch.ops.mkldnn._convolution_pointwise
        place = (self.padding, self.stride, [1, 1], 1)
        return run(x, self.weight, self.bias, *place, "relu" if self.relu else "none", [], "")

    def plus(self, x: Tensor, y: Tensor) -> Tensor:
        """The ReLU of the convolution of x plus y (b, c_out, h', w')."""
        x, y = (given.contiguous(memory_format=torch.channels_last) for given in (x, y))
        if not self.packed:
            return F.relu(self._plain(x) + y)
        run = torch.ops.mkldnn._convolution_pointwise.binary
        place = (self.padding, self.stride, [1, 1], 1)
        return run(x, y, self.weight, self.bias, *place, "add", 1.0, "relu", [], "")

    def _plain(self, x: Tensor) -> Tensor:
        return F.conv2d(x, self.weight, self.bias, self.stride, self.padding)
