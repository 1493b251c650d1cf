"""Run commands as a user types them."""

import os
import shutil
import signal
import subprocess
import sys
from pathlib import Path

import pytest
from typer.testing import CliRunner

from magicportrait_core.cli.app import app
from magicportrait_core.demo import demo_portrait_path

ROOT = Path(__file__).resolve().parents[2]


@pytest.fixture
def cli(tmp_path, monkeypatch):
    """cli("track", "clip.mp4", ...) in an empty folder: exit_code, stdout, stderr."""
    monkeypatch.chdir(tmp_path)
    if "MAGICPORTRAIT_MODELS" not in os.environ:  # what the user has is none of the tests' business
        monkeypatch.setenv("MAGICPORTRAIT_MODELS", str(tmp_path / "no_models"))

    def run(*words):
        return CliRunner().invoke(app, [str(word) for word in words])

    return run


@pytest.fixture
def start():
    """start("track", ...): the same as a process of its own, output captured as text."""

    def run(*words, folder, **options):
        return subprocess.Popen(
            [sys.executable, "-m", "magicportrait_core", *map(str, words)],
            cwd=folder,
            env={**os.environ, "PYTHONPATH": str(ROOT)},
            preexec_fn=_heeds_interrupts if os.name == "posix" else None,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            **options,
        )

    return run


def _heeds_interrupts():
    """Also where the tests run in a shell's background, which passes on that none is heeded."""
    signal.signal(signal.SIGINT, signal.SIG_DFL)


@pytest.fixture
def portrait(tmp_path):
    """A portrait in the working folder."""
    return shutil.copy(demo_portrait_path(), tmp_path / "portrait.jpg")
