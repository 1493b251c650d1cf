"""Fixtures: a folder with the tiny diffusion models in it. A conftest.py imports them."""

import shutil

import pytest

from magicportrait_core.diffusion.checkpoints.tiny_models import make_tiny


@pytest.fixture(scope="package")
def made(tmp_path_factory):
    """As `weights make-tiny` writes it; nothing in it is changed."""
    folder = tmp_path_factory.mktemp("made")
    make_tiny(folder)
    return folder


@pytest.fixture
def models(made, tmp_path):
    """A copy to change."""
    shutil.copytree(made, tmp_path / "models")
    return tmp_path / "models"


@pytest.fixture
def folder(models):
    return models / "magicportrait"
