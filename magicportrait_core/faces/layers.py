"""The building block both face networks share, with TFLite's SAME padding.

BlazeFace, https://arxiv.org/abs/1907.05047; attention mesh, https://arxiv.org/abs/2006.10962.
"""

from __future__ import annotations

import torch.nn.functional as F
from torch import Tensor, nn


class SeparableBlock(nn.Module):
    """Depthwise 3x3, pointwise 1x1, plus the input; new channels of the skip are zero.

    ``down`` halves the resolution (even sizes only): TFLite's SAME padding then puts its one
    pixel right and bottom, and the skip is max-pooled.
    """

    def __init__(self, c_in: int, c_out: int, activation: nn.Module, down: bool = False) -> None:
        super().__init__()
        padding = 0 if down else 1
        self.depthwise = nn.Conv2d(c_in, c_in, 3, 2 if down else 1, padding, groups=c_in)
        self.pointwise = nn.Conv2d(c_in, c_out, 1)
        self.activation = activation
        self.down = down
        self.new_channels = c_out - c_in

    def forward(self, x: Tensor) -> Tensor:  # (n, c_in, h, w) -> (n, c_out, h', w')
        if self.down:
            y = self.depthwise(F.pad(x, (0, 1, 0, 1)))
            x = F.max_pool2d(x, 2)
        else:
            y = self.depthwise(x)
        y = self.pointwise(y)
        if self.new_channels:
            x = F.pad(x, (0, 0, 0, 0, 0, self.new_channels))
        return self.activation(y + x)
