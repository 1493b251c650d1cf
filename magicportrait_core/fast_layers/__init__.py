"""Layers that compute what torch's do in less time on a CPU, from weights laid out once.

For inference: their weights are no parameters, cannot be saved, moved or trained.
"""

from .packed import Matrix, PackedConv, PackedLinear, PixelwiseConv
from .winograd import WinogradConv, WinogradUpsample, suits_winograd

__all__ = [
    "Matrix",
    "PackedConv",
    "PackedLinear",
    "PixelwiseConv",
    "WinogradConv",
    "WinogradUpsample",
    "suits_winograd",
]
