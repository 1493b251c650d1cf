"""Heads to test on."""

from pathlib import Path

import pytest

from magicportrait_core.flame.head_model import HeadModel
from tests import golden_head as golden
from tests import small_head as small


@pytest.fixture(scope="session")
def small_head() -> HeadModel:
    """62 vertices, FLAME's joints; see tests/small_head.py."""
    return small.small_head()


@pytest.fixture(scope="session")
def golden_head(goldens: Path) -> HeadModel:
    """The synthetic head of the goldens, FLAME's size."""
    return golden.golden_head(goldens / "geometry")


@pytest.fixture(scope="module")
def portrait():
    """A still of the small head."""
    return small.small_track(1, seed=1, size=(512, 384))


@pytest.fixture(scope="module")
def driver():
    """Nine frames of another."""
    return small.small_track(9, seed=2)
