"""Tiny networks in the official layout, a tiny head, and a short act to reenact."""

from __future__ import annotations

from pathlib import Path

import pytest

from magicportrait_core.demo import demo_portrait_path
from magicportrait_core.diffusion.checkpoints.tiny_models import make_tiny
from magicportrait_core.diffusion.context_windows import WindowSettings
from magicportrait_core.diffusion.sampler import SampleSettings
from magicportrait_core.drivers import Trimming
from magicportrait_core.faces.networks import load_networks
from magicportrait_core.reenactment import DiffusionSettings, reenact_diffusion
from tests.head_folder import fill_models
from tests.small_head import small_head

FRAMES, STEPS, WINDOWS = 6, 2, 2
#: 6 frames are 2 windows
SETTINGS = DiffusionSettings(
    SampleSettings(steps=STEPS, windows=WindowSettings(length=4, overlap=2)), size=64
)


@pytest.fixture(scope="session")
def networks():
    return load_networks()


@pytest.fixture(scope="session")
def headless_models(tmp_path_factory) -> Path:
    """A models folder with tiny diffusion networks and no head model."""
    models = tmp_path_factory.mktemp("headless")
    make_tiny(models)
    return models


@pytest.fixture(scope="session")
def models(tmp_path_factory) -> Path:
    """The same with the small head."""
    models = tmp_path_factory.mktemp("models")
    make_tiny(models)
    fill_models(models, small_head())
    return models


@pytest.fixture(scope="session")
def reenact(models, networks, acted_clip):
    """reenact(output, settings, ...): the demo portrait as the first frames of the act move."""

    def run(output, settings=SETTINGS, **options):
        given = {
            "portrait": demo_portrait_path(), "driving": acted_clip, "models": models,
            "networks": networks, "trim": Trimming(max_frames=FRAMES), **options,
        }  # fmt: skip
        files = (given.pop("portrait"), given.pop("driving"))
        return reenact_diffusion(*files, output, settings, **given)

    return run


@pytest.fixture(scope="session")
def whole(tmp_path_factory, reenact) -> bytes:
    """The bytes of a run without a stop."""
    path = tmp_path_factory.mktemp("whole") / "out.mp4"
    reenact(path)
    return path.read_bytes()
