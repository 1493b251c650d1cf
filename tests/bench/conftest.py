"""Benches that are tested, not read."""

import pytest

from magicportrait_core.bench import measure


@pytest.fixture
def quick_yardstick(monkeypatch):
    """No matrix is multiplied: that takes seconds for each backend."""
    monkeypatch.setattr(measure, "matmul_seconds", lambda: 0.25)
