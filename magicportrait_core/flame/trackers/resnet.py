"""ResNet-50 up to its pooled features, under torchvision's key names.

He et al. 2016, https://arxiv.org/abs/1512.03385, with the stride in the 3x3 convolution.
"""

from __future__ import annotations

import torch
from torch import Tensor, nn

from ...fast_layers import PackedConv, WinogradConv, suits_winograd
from .loading import cache_sized

FEATURES = 2048
WINOGRAD_WIDTH = 256  #: channels from which Winograd's way is the faster on pictures this small


class Bottleneck(nn.Module):
    """1x1, 3x3, 1x1, plus the input."""

    def __init__(self, c_in: int, width: int, stride: int) -> None:
        super().__init__()
        c_out = 4 * width
        self.conv1 = nn.Conv2d(c_in, width, 1, bias=False)
        self.bn1 = nn.BatchNorm2d(width)
        self.conv2 = nn.Conv2d(width, width, 3, stride, 1, bias=False)
        self.bn2 = nn.BatchNorm2d(width)
        self.conv3 = nn.Conv2d(width, c_out, 1, bias=False)
        self.bn3 = nn.BatchNorm2d(c_out)
        self.downsample = None
        self.normed = [("conv1", "bn1"), ("conv2", "bn2"), ("conv3", "bn3")]
        if stride != 1 or c_in != c_out:
            conv = nn.Conv2d(c_in, c_out, 1, stride, bias=False)
            self.downsample = nn.Sequential(conv, nn.BatchNorm2d(c_out))
            self.normed.append(("downsample.0", "downsample.1"))

    def forward(self, x: Tensor) -> Tensor:  # (n, c_in, h, w) -> (n, c_out, h', w')
        y = self.bn1(self.conv1(x)).relu_()
        y = self.bn2(self.conv2(y)).relu_()
        y = self.bn3(self.conv3(y))
        y += x if self.downsample is None else self.downsample(x)
        return y.relu_()

    def for_cpu(self) -> PackedBottleneck:
        """The same in less time, on a CPU, once the norms are folded."""
        return PackedBottleneck(self)


class PackedBottleneck(nn.Module):
    """A Bottleneck without norms: sums and ReLUs happen as the convolutions write."""

    def __init__(self, block: Bottleneck) -> None:
        super().__init__()
        self.conv1 = PackedConv(block.conv1, relu=True)
        wide = block.conv2.in_channels >= WINOGRAD_WIDTH and suits_winograd(block.conv2)
        if wide:
            self.conv2 = nn.Sequential(WinogradConv(block.conv2), nn.ReLU(inplace=True))
        else:
            self.conv2 = PackedConv(block.conv2, relu=True)
        self.conv3 = PackedConv(block.conv3)
        self.downsample = None if block.downsample is None else PackedConv(block.downsample[0])

    def forward(self, x: Tensor) -> Tensor:  # (n, c_in, h, w) -> (n, c_out, h', w')
        y = self.conv2(self.conv1(x))
        return self.conv3.plus(y, x if self.downsample is None else self.downsample(x))


def _layer(c_in: int, width: int, blocks: int, stride: int) -> nn.Sequential:
    first = Bottleneck(c_in, width, stride)
    return nn.Sequential(first, *(Bottleneck(4 * width, width, 1) for _ in range(1, blocks)))


class ResNet50(nn.Module):
    """Pictures to features."""

    normed = (("conv1", "bn1"),)

    def __init__(self) -> None:
        super().__init__()
        self.conv1 = nn.Conv2d(3, 64, 7, 2, 3, bias=False)
        self.bn1 = nn.BatchNorm2d(64)
        self.maxpool = nn.MaxPool2d(3, 2, 1)
        self.layer1 = _layer(64, 64, 3, 1)
        self.layer2 = _layer(256, 128, 4, 2)
        self.layer3 = _layer(512, 256, 6, 2)
        self.layer4 = _layer(1024, 512, 3, 2)
        self.avgpool = nn.AvgPool2d(7, 1)

    def forward(self, x: Tensor) -> Tensor:  # (n, 3, 224, 224) -> (n, 2048)
        x = torch.cat([self._wide(part) for part in cache_sized(x)])
        x = self.layer4(self.layer3(self.layer2(x)))
        return self.avgpool(x).flatten(1)

    def _wide(self, x: Tensor) -> Tensor:
        return self.layer1(self.maxpool(self.bn1(self.conv1(x)).relu_()))
