"""3x3 convolutions with 16 products where 36 are usual: Winograd's F(2x2, 3x3).

https://arxiv.org/abs/1509.09308, section 4.1. The input is cut into 4x4 tiles that overlap by 2,
each is mixed by sums and differences to 16 numbers (B^T d B), those are multiplied with the 16 of
the weights (G g G^T) and summed over channels, and 4 outputs are sums of the products (A^T m A).

After doubling the size by nearest, a row of a tile is (a, b, b, c): one of the four mixtures is 0,
so that 9 products are left.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from .packed import Matrix

#: G; the mixtures are (0, 1, 2, 3) as in the paper
_OF_WEIGHTS = ((1.0, 0.0, 0.0), (0.5, 0.5, 0.5), (0.5, -0.5, 0.5), (0.0, 0.0, 1.0))
#: channels below which the sums cost more than they save
FEWEST_CHANNELS = 16
#: bytes of the mixtures made at a time, unless one picture takes more
MIXTURE_BYTES = 1 << 26

#: one axis of a tensor -> its mixtures; the products of the mixtures -> first and second outputs
Mix = Callable[[Tensor, int], Sequence[Tensor]]
Sums = Callable[[Sequence[Tensor]], tuple[Tensor, Tensor]]


def suits_winograd(conv: nn.Module) -> bool:
    """Whether a layer is a convolution that WinogradConv computes, in less time."""
    if not isinstance(conv, nn.Conv2d) or (conv.groups, conv.dilation) != (1, (1, 1)):
        return False
    same = (conv.kernel_size, conv.stride, conv.padding) == ((3, 3), (1, 1), (1, 1))
    wide = min(conv.in_channels, conv.out_channels) >= FEWEST_CHANNELS
    return same and wide and conv.weight.dtype == torch.float32


class WinogradConv(nn.Module):
    """nn.Conv2d of 3x3, stride 1, padding 1, in float32. Channels come out innermost in memory."""

    def __init__(self, conv: nn.Conv2d) -> None:
        super().__init__()
        self.matrices = weight_matrices(conv, _OF_WEIGHTS)
        self.c_out = conv.out_channels

    def forward(self, x: Tensor) -> Tensor:  # (b, c_in, h, w) -> (b, c_out, h, w)
        h, w = x.shape[2:]
        x = F.pad(x.permute(0, 2, 3, 1), (0, 0, 1, 1 + w % 2, 1, 1 + h % 2))
        size = (h + h % 2, w + w % 2)
        out = convolve(x, self.matrices, mix, sums, size, self.c_out)
        return out[:, :h, :w].permute(0, 3, 1, 2)


class WinogradUpsample(nn.Module):
    """Twice the size by nearest, then that convolution; or to the size asked for."""

    def __init__(self, conv: nn.Conv2d) -> None:
        super().__init__()
        self.plain = WinogradConv(conv)
        first, second, _, fourth = _OF_WEIGHTS
        doubled = tuple(2 * number for number in second)  # the mixture b + b, taken as b
        self.matrices = weight_matrices(conv, (first, doubled, fourth))

    def forward(self, x: Tensor, size: tuple[int, int] | None = None) -> Tensor:
        h, w = x.shape[2:]
        if size is not None and tuple(size) != (2 * h, 2 * w):
            return self.plain(F.interpolate(x, size=size, mode="nearest"))
        x = F.pad(x.permute(0, 2, 3, 1), (0, 0, 1, 1, 1, 1))
        size, c_out = (2 * h, 2 * w), self.plain.c_out
        out = convolve(x, self.matrices, mix_doubled, sums_doubled, size, c_out)
        return out.permute(0, 3, 1, 2)


def weight_matrices(conv: nn.Conv2d, of_weights: Sequence[Sequence[float]]) -> list[list[Matrix]]:
    """G g G^T: a (c_out, c_in) matrix for each pair of mixtures, rows first.

    The bias goes with the one product that is in all four outputs.
    """
    weight = conv.weight.detach().permute(2, 3, 0, 1).contiguous()  # (3, 3, c_out, c_in)
    g = weight.new_tensor(of_weights)
    found = []
    for i, lines in enumerate(torch.tensordot(g, weight, dims=1)):
        biases = [conv.bias if i == j == 1 else None for j in range(len(g))]
        mixed = torch.tensordot(g, lines, dims=1)
        found.append([Matrix(m, b) for m, b in zip(mixed, biases, strict=True)])
    return found


def convolve(
    x: Tensor,
    matrices: Sequence[Sequence[Matrix]],
    mix: Mix,
    sums: Sums,
    size: tuple[int, int],
    c_out: int,
) -> Tensor:
    """x (b, rows, columns, c_in), padded -> (b, *size, c_out)."""
    out = x.new_empty(len(x), *size, c_out)
    picture = len(matrices) ** 2 * size[0] * size[1] // 4 * x.shape[-1] * x.element_size()
    at_once = max(1, MIXTURE_BYTES // picture)
    for part, filled in zip(x.split(at_once), out.split(at_once), strict=True):
        tiles = [mix(row, 2) for row in mix(part, 1)]
        columns = [
            sums([of_row[j](row[j]) for of_row, row in zip(matrices, tiles, strict=True)])
            for j in range(len(matrices))
        ]
        for k, outputs in enumerate(zip(*columns, strict=True)):
            filled[:, k::2, 0::2], filled[:, k::2, 1::2] = sums(outputs)
    return out


def mix(x: Tensor, dim: int) -> Sequence[Tensor]:
    """B^T d along one axis of even length: for each tile of four d0 - d2, d1 + d2, ..."""
    even, odd = x.unflatten(dim, (-1, 2)).unbind(dim + 1)
    count = even.shape[dim] - 1
    d0, d1 = even.narrow(dim, 0, count), odd.narrow(dim, 0, count)
    d2, d3 = even.narrow(dim, 1, count), odd.narrow(dim, 1, count)
    return d0 - d2, d1 + d2, d2 - d1, d1 - d3


def sums(m: Sequence[Tensor]) -> tuple[Tensor, Tensor]:
    """A^T m."""
    return (m[1] + m[2]).add_(m[0]), (m[1] - m[2]).sub_(m[3])


def mix_doubled(x: Tensor, dim: int) -> Sequence[Tensor]:
    """The same of tiles (a, b, b, c) of neighbours a, b, c: a - b, b for 2b, b - c."""
    count = x.shape[dim] - 2
    a, b, c = (x.narrow(dim, start, count) for start in range(3))
    return a - b, b, b - c


def sums_doubled(m: Sequence[Tensor]) -> tuple[Tensor, Tensor]:
    """A^T m without the third."""
    return m[0] + m[1], m[1] - m[2]
