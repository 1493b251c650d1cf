"""Fixtures of the render stage."""

from pathlib import Path

import pytest
from safetensors.torch import load_file


@pytest.fixture(scope="session")
def geometry(goldens) -> Path:
    return goldens / "geometry"


@pytest.fixture(scope="session")
def golden_renders(geometry) -> dict[int, dict]:
    """Side of the picture -> its tensors."""
    return {side: load_file(geometry / f"render{side}.safetensors") for side in (224, 512)}
