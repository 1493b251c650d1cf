"""Fixtures of the whole suite."""

import os
from pathlib import Path

import pytest


@pytest.fixture(autouse=True)
def own_models(monkeypatch, tmp_path_factory) -> None:
    """Tests see no weights that their machine happens to have: auto is preview everywhere."""
    monkeypatch.setenv("MAGICPORTRAIT_MODELS", str(tmp_path_factory.getbasetemp() / "no models"))


@pytest.fixture(scope="session")
def shared_media() -> Path:
    """Real footage that is not part of this repository; tests of it are skipped without it."""
    beside = Path(__file__).resolve().parents[2] / "shared"
    folder = Path(os.environ.get("MAGICPORTRAIT_SHARED", beside)) / "media"
    if not (folder / "driving.mp4").exists():
        pytest.skip(f"no real footage in {folder}; name its parent in MAGICPORTRAIT_SHARED")
    return folder


@pytest.fixture(scope="session")
def acted_clip(tmp_path_factory) -> Path:
    """The first half second of the scripted act: 12 frames of the shipped portrait, 512x512."""
    from magicportrait_core.demo import render_demo_driver
    from magicportrait_core.faces.networks import load_networks

    path = tmp_path_factory.mktemp("acted") / "acted.mp4"
    render_demo_driver(path, load_networks(), frames=12)
    return path


@pytest.fixture(scope="session")
def goldens() -> Path:
    """Numbers to match, in geometry/ and diffusion/; tests of them are skipped without them."""
    from tests.goldens.registry import goldens_folder

    folder = goldens_folder()
    if not folder.is_dir():
        pytest.skip(f"no golden numbers in {folder}; name their folder in MAGICPORTRAIT_GOLDENS")
    return folder


@pytest.fixture(scope="session")
def small_models(tmp_path_factory) -> Path:
    """A models folder whose only head is that of tests/small_head.py."""
    from tests.head_folder import fill_models
    from tests.small_head import small_head

    models = tmp_path_factory.mktemp("models")
    fill_models(models, small_head())
    return models


@pytest.fixture(scope="session")
def acted_head(tmp_path_factory, acted_clip, small_models) -> Path:
    """The head track of the acted clip's first 6 frames, on the small head."""
    from magicportrait_core.drivers import Trimming
    from magicportrait_core.motion.head_pipeline import track_head

    path = tmp_path_factory.mktemp("track") / "head.safetensors"
    track_head(acted_clip, path, models=small_models, trim=Trimming(max_frames=6))
    return path
