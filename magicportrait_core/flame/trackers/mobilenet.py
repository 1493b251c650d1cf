"""MobileNetV3 minimal, large and small, up to the last features, under timm's key names.

Howard et al. 2019, https://arxiv.org/abs/1905.02244; the minimal variants have 3x3 kernels and
ReLU throughout and no squeeze-and-excite. timm calls them tf_mobilenetv3_{large,small}_minimal_100:
they came from TensorFlow, with its SAME padding and its norms' eps.
"""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from .loading import cache_sized

EPS = 1e-3
STEM = 16  #: channels after the first convolution
#: stage -> blocks of (channels inside, channels out, stride)
LARGE = (
    ((64, 24, 2), (72, 24, 1)),
    ((72, 40, 2), (120, 40, 1), (120, 40, 1)),
    ((240, 80, 2), (200, 80, 1), (184, 80, 1), (184, 80, 1)),
    ((480, 112, 1), (672, 112, 1)),
    ((672, 160, 2), (960, 160, 1), (960, 160, 1)),
)
SMALL = (
    ((72, 24, 2), (88, 24, 1)),
    ((96, 40, 2), (240, 40, 1), (240, 40, 1)),
    ((120, 48, 1), (144, 48, 1)),
    ((288, 96, 2), (576, 96, 1), (576, 96, 1)),
)


def _same(x: Tensor, stride: int) -> Tensor:
    """TensorFlow's SAME padding for a 3x3 kernel: what is odd goes right and bottom."""
    need = [max((-(-size // stride) - 1) * stride + 3 - size, 0) for size in x.shape[-2:]]
    (top, left), (height, width) = [n // 2 for n in need], need
    return F.pad(x, (left, width - left, top, height - top))


class Conv3x3(nn.Conv2d):
    """A 3x3 convolution with SAME padding and no bias."""

    def __init__(self, c_in: int, c_out: int, stride: int, groups: int = 1) -> None:
        padding = 1 if stride == 1 else 0
        super().__init__(c_in, c_out, 3, stride, padding, groups=groups, bias=False)

    def forward(self, x: Tensor) -> Tensor:
        return super().forward(x if self.padding[0] else _same(x, self.stride[0]))


class Separable(nn.Module):
    """The first block: depthwise 3x3, pointwise 1x1."""

    normed = (("conv_dw", "bn1"), ("conv_pw", "bn2"))

    def __init__(self, channels: int, stride: int) -> None:
        super().__init__()
        self.conv_dw = Conv3x3(channels, channels, stride, channels)
        self.bn1 = nn.BatchNorm2d(channels, EPS)
        self.conv_pw = nn.Conv2d(channels, channels, 1, bias=False)
        self.bn2 = nn.BatchNorm2d(channels, EPS)

    def forward(self, x: Tensor) -> Tensor:
        y = self.bn2(self.conv_pw(self.bn1(self.conv_dw(x)).relu_()))
        return y.add_(x) if y.shape == x.shape else y


class Inverted(nn.Module):
    """1x1 to more channels, depthwise 3x3, 1x1 to fewer; plus the input where sizes agree."""

    normed = (("conv_pw", "bn1"), ("conv_dw", "bn2"), ("conv_pwl", "bn3"))

    def __init__(self, c_in: int, inside: int, c_out: int, stride: int) -> None:
        super().__init__()
        self.conv_pw = nn.Conv2d(c_in, inside, 1, bias=False)
        self.bn1 = nn.BatchNorm2d(inside, EPS)
        self.conv_dw = Conv3x3(inside, inside, stride, inside)
        self.bn2 = nn.BatchNorm2d(inside, EPS)
        self.conv_pwl = nn.Conv2d(inside, c_out, 1, bias=False)
        self.bn3 = nn.BatchNorm2d(c_out, EPS)

    def forward(self, x: Tensor) -> Tensor:
        y = self.bn1(self.conv_pw(x)).relu_()
        y = self.bn2(self.conv_dw(y)).relu_()
        y = self.bn3(self.conv_pwl(y))
        return y.add_(x) if y.shape == x.shape else y


class Pointwise(nn.Module):
    """The last stage: one 1x1 convolution."""

    normed = (("conv", "bn1"),)

    def __init__(self, c_in: int, c_out: int) -> None:
        super().__init__()
        self.conv = nn.Conv2d(c_in, c_out, 1, bias=False)
        self.bn1 = nn.BatchNorm2d(c_out, EPS)

    def forward(self, x: Tensor) -> Tensor:
        return self.bn1(self.conv(x)).relu_()


class MobileNetV3Minimal(nn.Module):
    """Pictures to features averaged over the picture.

    ``stages``: LARGE (960 features) or SMALL (576).
    """

    normed = (("conv_stem", "bn1"),)

    def __init__(self, stages: tuple) -> None:
        super().__init__()
        self.conv_stem = Conv3x3(3, STEM, 2)
        self.bn1 = nn.BatchNorm2d(STEM, EPS)
        built = [nn.Sequential(Separable(STEM, 2 if stages is SMALL else 1))]
        width = STEM
        for stage in stages:
            blocks = []
            for inside, c_out, stride in stage:
                blocks.append(Inverted(width, inside, c_out, stride))
                width = c_out
            built.append(nn.Sequential(*blocks))
        self.features = 6 * width
        built.append(nn.Sequential(Pointwise(width, self.features)))
        self.blocks = nn.Sequential(*built)

    def forward(self, x: Tensor) -> Tensor:  # (n, 3, h, w) -> (n, features)
        parts = [self.blocks(self.bn1(self.conv_stem(part)).relu_()) for part in cache_sized(x)]
        return torch.cat(parts).mean((2, 3))
