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
    page = printed(script, environment, *arguments)
    assert page["status"] == "execution_success", page["error"]
    assert [error for error in page["pageErrors"] if "MagicPortrait" in error] == []
    return page


def printed(script: str, environment: dict[str, str], *arguments: object) -> dict:
    """What one of the scripts beside this file prints."""
    done = subprocess.run(
        ["node", HERE / script, *arguments],
        env=environment,
        capture_output=True,
        text=True,
        timeout=600,
    )
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout)


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


RENDERERS = ("classic", "vue")


@pytest.fixture(params=RENDERERS)
def renderer(request) -> str:
    """How the page draws nodes; a page that knows one way only is tested once."""
    return request.param


def check_renderer(page: dict, renderer: str) -> None:
    if page["renderer"] != renderer:
        pytest.skip(f"this page has no {renderer} nodes")


def test_scrubber(server, environment, pictures, renderer):
    """Curves and frames appear after the run, the pointer moves both, a gain redraws its frame."""
    page = drive("scrubber.cjs", environment, server.url, pictures, renderer)
    check_renderer(page, renderer)
    for number, view in enumerate(("mesh", "result")):
        assert page["atRest"][number].split()[0] == view
        assert page["scrubbed"][number].split()[0] == view
        frames = [int(page[when][number].split()[1]) for when in ("atRest", "scrubbed")]
        assert 15 <= frames[1] <= 32, "a quarter of the way through 96 frames"
        assert frames[0] != frames[1]
    change = [abs(a - b) for a, b in zip(page["before"], page["after"], strict=True)]
    assert max(change) >= 3, "a gain of 0 shows the portrait at rest"
    assert page["stored"] == 3, "the workflow holds the node's own values and nothing of the page's"
    assert page["height"] > 450
    assert page["room"] == [True, False], "a scrubber opens by itself where it covers nothing"


def test_weights_badge(server, environment, pictures, renderer):
    page = drive("weights_badge.cjs", environment, server.url, pictures, renderer)
    check_renderer(page, renderer)
    assert page["summary"] == "no head model installed"
    assert any("generic_model.pkl" in file for file in page["files"])
    assert "gnm_head.npz" in page["files"][0], "what needs no registration stands first"


def test_blueprint(server, environment, pictures):
    """The folded graph is offered, wired and run, where the host has such."""
    page = printed("blueprint.cjs", environment, server.url, "preview", pictures)
    if page["status"] == "absent":
        pytest.skip("this ComfyUI has no blueprints")
    assert page["status"] == "execution_success", page["error"]
    assert len(page["names"]) == 2
    assert len(page["nodes"]) == 3


def test_every_template(model_server, environment, pictures):
    """Each opens from the template browser with no node unknown; the full reenactment runs."""
    names = [path.stem for path in sorted((HERE.parents[1] / "workflows").glob("*.json"))]
    page = drive(
        "every_template.cjs", environment, model_server.url, "ComfyUI-MagicPortrait", pictures,
        "02_full_reenactment", *names,
    )  # fmt: skip
    assert sorted(page["templates"]) == names
    for name, seen in page["templates"].items():
        assert seen["unknown"] == [], name
        assert seen["note"], name
