"""Workflow 01 from the template browser of the page, run with one click in headless Chromium.

PLAYWRIGHT_CORE names the node_modules folder that holds playwright-core, CHROMIUM the browser
(default: the one on the path). COMFYUI_SCREENSHOTS names a folder that keeps the pictures.
"""

from __future__ import annotations

import json
import os
import shutil
import subprocess
from pathlib import Path

import pytest

HERE = Path(__file__).parent


@pytest.fixture
def environment() -> dict[str, str]:
    chromium = os.environ.get("CHROMIUM") or shutil.which("chromium") or shutil.which("chrome")
    modules = Path(os.environ.get("PLAYWRIGHT_CORE", "")).expanduser().resolve()
    if not os.environ.get("PLAYWRIGHT_CORE") or not (modules / "playwright-core").is_dir():
        pytest.skip("PLAYWRIGHT_CORE names no node_modules folder with playwright-core")
    if not chromium or not shutil.which("node"):
        pytest.skip("the browser tests need Chromium and node")
    return os.environ | {"PLAYWRIGHT_CORE": str(modules), "CHROMIUM": chromium}


@pytest.fixture
def pictures(tmp_path) -> Path:
    folder = Path(os.environ.get("COMFYUI_SCREENSHOTS", tmp_path)).expanduser()
    folder.mkdir(parents=True, exist_ok=True)
    return folder


def drive(script: str, environment: dict[str, str], *arguments: object) -> dict:
    """Run one of the scripts beside this file; what it prints, without the host's own noise."""
    done = subprocess.run(
        ["node", HERE / script, *arguments],
        env=environment,
        capture_output=True,
        text=True,
        timeout=300,
    )
    assert done.returncode == 0, done.stderr
    page = json.loads(done.stdout)
    assert page["status"] == "execution_success", page["error"]
    assert [error for error in page["pageErrors"] if "MagicPortrait" in error] == []
    return page


def test_one_click(server, environment, pictures):
    page = drive(
        "one_click.cjs", environment, server.url, "ComfyUI-MagicPortrait", "01_preview", pictures
    )
    assert min(page["thumbnail"]) >= 256, "the template has no picture"
    assert sorted(page["nodes"]) == [
        "MagicPortraitExample",
        "MagicPortraitPreview",
        "MagicPortraitTrackFace",
        "MarkdownNote",
        "SaveVideo",
    ]
    assert len(list((server.base / "output/video").glob("MagicPortrait_*.mp4"))) >= 1


def test_still_follows_its_sliders(server, environment, pictures):
    page = drive("live_still.cjs", environment, server.url, pictures)
    assert "filename=" in page["before"]
    assert page["after"].startswith("blob:")
