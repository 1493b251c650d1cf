"""Fixtures of the whole suite."""

import os
from pathlib import Path

import pytest


@pytest.fixture(scope="session")
def shared_media() -> Path:
    """Real footage that is not part of this repository; tests of it are skipped without it."""
    beside = Path(__file__).resolve().parents[2] / "shared"
    folder = Path(os.environ.get("MAGICPORTRAIT_SHARED", beside)) / "media"
    if not (folder / "driving.mp4").exists():
        pytest.skip(f"no real footage in {folder}; name its parent in MAGICPORTRAIT_SHARED")
    return folder
