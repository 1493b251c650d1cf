"""The tensors of the networks that trackers run: key -> shape, as official files name them."""

from __future__ import annotations

import torch
from torch import nn

from ..trackers.deca import DecaEncoder
from ..trackers.smirk import SmirkEncoder

Shapes = dict[str, tuple[int, ...]]


def deca() -> Shapes:
    """E_flame of deca_model.tar."""
    return _shapes(DecaEncoder)


def smirk() -> Shapes:
    """The three encoders of SMIRK_em1.pt, without the file's prefix."""
    return _shapes(SmirkEncoder)


def _shapes(network: type[nn.Module]) -> Shapes:
    with torch.device("meta"):  # allocates nothing
        state = network().state_dict()
    return {key: tuple(tensor.shape) for key, tensor in state.items()}
