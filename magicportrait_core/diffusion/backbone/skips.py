"""The skip connections of a UNet, and what a ControlNet adds to them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import torch
from torch import Tensor

from ...errors import InputError
from ..layers.hooks import Hooks


@dataclass(frozen=True)
class Residuals:
    """A ControlNet's outputs, in diffusers' order: None adds nothing."""

    down: Sequence[Tensor | None] = ()  #: conv_in, then each layer and downsampler; 12 in SD1.5
    mid: Tensor | None = None  #: added after the mid block


class Skips:
    """Outputs of the input blocks, kept until the output blocks take them back."""

    def __init__(self, hooks: Hooks | None, residuals: Residuals | None) -> None:
        self._kept: list[Tensor] = []
        self._joined = 0
        self._hooks = hooks
        self._down = residuals.down if residuals is not None else ()

    def push(self, x: Tensor) -> Tensor:
        """Keep x (b, c, h, w); returns what goes on."""
        kept = x
        if self._hooks is not None:
            kept, x = self._hooks.pushed(len(self._kept), x)
        self._kept.append(kept)
        return x

    def join(self, x: Tensor) -> Tensor:
        """x (b, c, h, w) with the newest skip after its channels."""
        skip = self._kept.pop()
        if len(self._kept) < len(self._down) and self._down[len(self._kept)] is not None:
            skip = add_residual(skip, self._down[len(self._kept)])
        if self._hooks is not None:
            x, skip = self._hooks.joined(self._joined, x, skip)
        self._joined += 1
        return torch.cat([x, skip], dim=1)

    def size(self) -> tuple[int, int]:
        """Rows and columns of the newest skip."""
        return tuple(self._kept[-1].shape[2:])


def add_residual(x: Tensor, residual: Tensor) -> Tensor:
    """Their sum. Raises InputError where the residual was made for another size."""
    if residual.shape[1:] != x.shape[1:] or x.shape[0] % residual.shape[0]:
        raise InputError(
            f"a control residual must be {tuple(x.shape)}, got {tuple(residual.shape)}: give the "
            "control pictures the size of the clip."
        )
    return x + residual.to(x).repeat(x.shape[0] // residual.shape[0], 1, 1, 1)
