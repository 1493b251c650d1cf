"""DECA's coarse encoder: a face crop to shape, texture, expression, pose, camera and light.

Feng et al. 2021, https://doi.org/10.1145/3450626.3459936. The values mean what they say only on
FLAME 2020 generic, the head model it was trained on.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import torch
from torch import Tensor, nn

from ...weights.catalog import entry_of
from .loading import load_strictly
from .resnet import FEATURES, ResNet50

#: how many values of each kind the encoder gives, in its order
WIDTHS = {"shape": 100, "texture": 50, "expression": 50, "pose": 6, "camera": 3, "lighting": 27}
HIDDEN = 1024


@dataclass(frozen=True)
class DecaCodes:
    """What E_flame says of n pictures."""

    shape: Tensor  #: (n, 100)
    texture: Tensor  #: (n, 50)
    expression: Tensor  #: (n, 50)
    pose: Tensor  #: (n, 6) axis-angle of head and jaw
    camera: Tensor  #: (n, 3) scale, x, y
    lighting: Tensor  #: (n, 9, 3)


class DecaEncoder(nn.Module):
    """E_flame."""

    def __init__(self) -> None:
        super().__init__()
        self.encoder = ResNet50()
        self.layers = nn.Sequential(
            nn.Linear(FEATURES, HIDDEN), nn.ReLU(), nn.Linear(HIDDEN, sum(WIDTHS.values()))
        )

    def forward(self, images: Tensor) -> Tensor:  # (n, 3, 224, 224) RGB 0..1 -> (n, 236)
        return self.layers(self.encoder(images))


def split_codes(parameters: Tensor) -> DecaCodes:
    """(n, 236) -> the kinds, by name."""
    parts = dict(zip(WIDTHS, parameters.split(list(WIDTHS.values()), 1), strict=True))
    return DecaCodes(**parts | {"lighting": parts["lighting"].unflatten(1, (9, 3))})


def load_deca(state: Mapping[str, Tensor]) -> DecaEncoder:
    """E_flame from its tensors. Raises InputError, naming the key, for those of another."""
    with torch.device("meta"):
        network = DecaEncoder()
    return load_strictly(network, state, "DECA's E_flame (deca_model.tar)", entry_of("deca").origin)
