"""Networks of a few thousand weights, seeded, and what goes into them."""

from __future__ import annotations

from collections.abc import Callable

import pytest
import torch
from torch import Tensor

from magicportrait_core.diffusion.layers.configs import UNetConfig
from magicportrait_core.diffusion.reference_unet import ReferenceUNet
from magicportrait_core.diffusion.unet import DenoisingUNet
from magicportrait_core.types import ReferenceCondition

SMALL = UNetConfig((16, 16, 32, 32), cross_attention_dim=8, heads=4, norm_groups=8, max_frames=8)


@pytest.fixture(autouse=True)
def _no_gradients():
    with torch.no_grad():
        yield


@pytest.fixture(scope="session")
def config() -> UNetConfig:
    return SMALL


@pytest.fixture(scope="session")
def unet() -> DenoisingUNet:
    torch.manual_seed(0)
    return DenoisingUNet(SMALL).eval().requires_grad_(False)


@pytest.fixture(scope="session")
def reference_unet() -> ReferenceUNet:
    torch.manual_seed(1)
    return ReferenceUNet(SMALL).eval().requires_grad_(False)


@pytest.fixture
def draw() -> Callable[..., Tensor]:
    """Normal numbers of any shape, the same in every test."""
    generator = torch.Generator().manual_seed(2)
    return lambda *shape: torch.randn(shape, generator=generator)


@pytest.fixture
def text(draw) -> Tensor:
    return draw(1, 5, 8)


@pytest.fixture
def bank(reference_unet, draw, text) -> ReferenceCondition:
    return reference_unet(draw(1, 4, 8, 16), text)
