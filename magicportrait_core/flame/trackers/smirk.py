"""SMIRK's encoders: a face crop to expression, jaw and eyelids, and to pose and shape.

Retsinas et al. 2024, https://arxiv.org/abs/2404.04104. Expressions are those of FLAME 2020
generic.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import torch
from torch import Tensor, nn

from ...weights.catalog import entry_of
from .loading import load_strictly
from .mobilenet import LARGE, SMALL, MobileNetV3Minimal

NUM_EXPRESSION, NUM_SHAPE = 50, 300
JAW_SIDEWAYS = 0.2  #: radians the jaw turns at most about its other axes


@dataclass(frozen=True)
class SmirkExpression:
    """What the expression encoder says of n pictures."""

    expression: Tensor  #: (n, 50)
    eyelids: Tensor  #: (n, 2) left, right, 0..1
    jaw: Tensor  #: (n, 3) axis-angle; opens only


class ExpressionEncoder(nn.Module):
    """The one encoder that tracking needs."""

    def __init__(self) -> None:
        super().__init__()
        self.encoder = MobileNetV3Minimal(LARGE)
        self.expression_layers = nn.Sequential(
            nn.Linear(self.encoder.features, NUM_EXPRESSION + 2 + 3)
        )

    def forward(self, images: Tensor) -> Tensor:  # (n, 3, 224, 224) RGB 0..1 -> (n, 55)
        return self.expression_layers(self.encoder(images))


class ShapeEncoder(nn.Module):
    """Identity; the reference leaves it unused."""

    def __init__(self) -> None:
        super().__init__()
        self.encoder = MobileNetV3Minimal(LARGE)
        self.shape_layers = nn.Sequential(nn.Linear(self.encoder.features, NUM_SHAPE))

    def forward(self, images: Tensor) -> Tensor:  # -> (n, 300)
        return self.shape_layers(self.encoder(images))


class PoseEncoder(nn.Module):
    """Head rotation and camera; the reference leaves it unused."""

    def __init__(self) -> None:
        super().__init__()
        self.encoder = MobileNetV3Minimal(SMALL)
        self.pose_cam_layers = nn.Sequential(nn.Linear(self.encoder.features, 6))

    def forward(self, images: Tensor) -> Tensor:  # -> (n, 6)
        return self.pose_cam_layers(self.encoder(images))


class SmirkEncoder(nn.Module):
    """All three, as the official file holds them."""

    def __init__(self) -> None:
        super().__init__()
        self.pose_encoder = PoseEncoder()
        self.shape_encoder = ShapeEncoder()
        self.expression_encoder = ExpressionEncoder()


def split_expression(parameters: Tensor) -> SmirkExpression:
    """(n, 55) -> expression, eyelids and jaw, each kept where a face can be."""
    expression, eyelids, jaw = parameters.split([NUM_EXPRESSION, 2, 3], 1)
    jaw = torch.cat([jaw[:, :1].relu(), jaw[:, 1:].clamp(-JAW_SIDEWAYS, JAW_SIDEWAYS)], 1)
    return SmirkExpression(expression, eyelids.clamp(0, 1), jaw)


def load_smirk(state: Mapping[str, Tensor]) -> SmirkEncoder:
    """The encoders from their tensors. Raises InputError, naming the key, for those of another."""
    with torch.device("meta"):
        network = SmirkEncoder()
    return load_strictly(
        network, state, "SMIRK's encoders (SMIRK_em1.pt)", entry_of("smirk").origin
    )
