"""A network rewritten for the CPU it runs on: the same numbers but for rounding, in less time."""

from __future__ import annotations

import torch
from torch import Tensor, nn

from ...errors import InputError
from ...fast_layers import (
    Matrix,
    PackedLinear,
    PixelwiseConv,
    WinogradConv,
    WinogradUpsample,
    suits_winograd,
)
from ..layers.resnet import Upsample
from ..layers.transformer_layers import GatedProjection


class PackedGatedProjection(nn.Module):
    """layers.GatedProjection: the gate's GELU and the product happen as the matrices are read."""

    def __init__(self, gated: GatedProjection) -> None:
        super().__init__()
        value, gate = gated.proj.weight.chunk(2)
        value_bias, gate_bias = gated.proj.bias.chunk(2)
        self.value = Matrix(value, value_bias)
        self.gate = Matrix(gate, gate_bias)

    def forward(self, x: Tensor) -> Tensor:
        return self.value.times(x, self.gate.gelu(x))


def optimize(network: nn.Module, winograd: bool = True) -> nn.Module:
    """Rewrite a network of this package in place, for inference; returns it.

    On the CPU, in float32 or bfloat16, matrices get their weights in oneDNN's layout and the
    originals are let go: afterwards the network has no state dict to save, takes no LoRA and
    cannot be moved or cast, so load and patch it first. Outputs differ by rounding, below 1e-5 of
    their size in float32. With ``winograd``, 3x3 convolutions of float32 take 4/9 of the products,
    those after doubling the size 1/4, and their weights 16/9 of the memory. Elsewhere the weights
    are laid out channels last, and nothing else changes.

    Raises InputError for a network with a host's own layers.
    """
    kinds = (nn.Linear, nn.Conv2d)
    for name, layer in network.named_modules():
        if isinstance(layer, kinds) and type(layer) not in kinds:
            raise InputError(
                f"{name} is a host's {type(layer).__name__}, which patches its weights: optimize "
                "is for networks built with torch.nn."
            )
    network.requires_grad_(False).to(memory_format=torch.channels_last)
    if next(network.parameters()).device.type == "cpu":
        _rewrite(network, winograd)
    return network


def _rewrite(module: nn.Module, winograd: bool) -> None:
    for name, child in module.named_children():
        if name == "conv_in":  # three or four channels, and the network's dtype is read from it
            continue
        made = replacement(child, winograd)
        if made is None:
            _rewrite(child, winograd)
        else:
            setattr(module, name, made.eval())


def replacement(layer: nn.Module, winograd: bool) -> nn.Module | None:
    """What computes the same as this layer; None: nothing does."""
    if isinstance(layer, GatedProjection):
        return PackedGatedProjection(layer)
    if isinstance(layer, nn.Linear):
        return PackedLinear(layer)
    if isinstance(layer, Upsample) and winograd and suits_winograd(layer.conv):
        return WinogradUpsample(layer.conv)
    if not isinstance(layer, nn.Conv2d) or layer.groups > 1 or layer.dilation != (1, 1):
        return None
    if layer.kernel_size == (1, 1) and layer.stride == (1, 1) and layer.padding == (0, 0):
        return PixelwiseConv(layer)
    return WinogradConv(layer) if winograd and suits_winograd(layer) else None
