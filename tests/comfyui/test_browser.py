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
    ours = [error for error in page["pageErrors"] if "magicportrait" in error.lower()]
    assert ours == []
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


RENDERERS = ("classic", "vue")


@pytest.fixture(params=RENDERERS)
def renderer(request) -> str:
    """How the page draws nodes; a page that knows one way only is tested once."""
    return request.param


def check_renderer(page: dict, renderer: str) -> None:
    if page["renderer"] != renderer:
        pytest.skip(f"this page has no {renderer} nodes")


def seen_to_work(node: dict, views: list[str]) -> None:
    """Every view is a picture, and another one at another frame."""
    assert list(node["views"]) == views
    for name, view in node["views"].items():
        assert view["frames"][0] == 0
        assert view["frames"][1] > 10
        for cells in (view["before"], view["after"]):
            assert max(cells) - min(cells) > 60, f"{name} is blank"
        assert change(view) >= 4, f"{name} stands still"
    assert node["label"] == "Frame"
    assert node["tabs"] == len(views) + 3, "past the views, the face, the fold and Play"
    assert node["value"].startswith(f"frame {view['frames'][1]} of ")


def change(pictures: dict) -> int:
    return max(abs(a - b) for a, b in zip(pictures["before"], pictures["after"], strict=True))


DRIVER = ["frame", "mesh"]
MAPS = ["depth", "normal", "render"]
SCRUBBERS = {
    "face": {"MagicPortraitTrackFace": [], "MagicPortraitPreview": ["result"]},
    "head": {"FLAMETrack": MAPS, "MagicPortraitMotionEdit": MAPS, "RenderGeometryMaps": MAPS},
}


@pytest.mark.parametrize(("graph", "palette"), [("face", "dark"), ("head", "light")])
def test_scrubbers(server, headed, environment, pictures, renderer, graph, palette):
    """After the run each shows the driver, the mesh and what the node made, at any frame."""
    page = drive("scrubber.cjs", environment, server.url, pictures, renderer, graph, palette)
    check_renderer(page, renderer)
    frames = {"face": 96, "head": 24}[graph]
    for kind, made in SCRUBBERS[graph].items():
        node = page["nodes"][kind]
        seen_to_work(node, DRIVER + made)
        # a node that makes something of the driver shows both side by side
        shown = ["mesh", *made[-1:]] if kind != "FLAMETrack" else ["mesh"]
        assert [picture.split()[0] for picture in node["first"]] == shown
        assert 0.15 * frames <= node["dragged"] <= 0.35 * frames, "a quarter of the way"
        if node["gain"] is not None:
            assert change(node["gain"]) >= 3, "a gain of 0 shows another picture"
    assert page["left"] == list(SCRUBBERS[graph]), "a key for the slider is none for the graph"
    assert not page["stored"], "the workflow holds nothing of the page's"
    assert page["room"] == [True, False], "a scrubber opens by itself where it covers nothing"


def test_scrubbers_come_back(server, environment, pictures, renderer):
    """With no node run again: in the page reloaded, in another, in one that has all cached."""
    page = drive("scrubber_again.cjs", environment, server.url, pictures, renderer)
    check_renderer(page, renderer)
    both = page["types"]
    assert page["opened"] == page["reloaded"] == page["other"] == both
    assert page["changed"] == {"gain": both, "smoothing": []}, "another track is not this one"
    assert (page["before"], page["cached"]) == ([], both)
    assert page["ran"] == []


@pytest.mark.parametrize("place", ["root", "subgraph"])
def test_still_follows_its_sliders(server, environment, pictures, renderer, place):
    """After its run, and with nothing run in the page reloaded; in a subgraph, too."""
    page = drive("live_still.cjs", environment, server.url, pictures, renderer, place)
    check_renderer(page, renderer)
    if page["depth"] != (place == "subgraph"):
        pytest.skip("this page has no subgraphs")
    assert page["ran"] == {"fresh": True, "reloaded": False}
    if place == "root":  # some pages show no notes in subgraphs
        assert page["noted"] == "$$node-text-preview", "a note on the node is none of its sliders"
    for when in ("fresh", "reloaded"):
        first, moved = page[when]
        assert max(first) - min(first) > 60, "the picture is blank"
        assert max(abs(a - b) for a, b in zip(first, moved, strict=True)) >= 8, when
    # the new nodes show the live picture below that of the run
    assert page["pictures"] == [1, 1]


@pytest.mark.parametrize("palette", ["dark", "light"])
def test_weights_badge(server, environment, pictures, renderer, palette):
    """The list opens above the nodes, none of which it moves, and closes in any usual way."""
    page = drive("weights_badge.cjs", environment, server.url, pictures, renderer, palette)
    check_renderer(page, renderer)
    head, model = page["MagicPortraitHeadLoader"], page["MagicPortraitModelLoader"]
    assert head["summary"] == "no head model installed"
    assert any("generic_model.pkl" in file for file in head["files"])
    assert "gnm_head.npz" in head["files"][0], "what needs no registration stands first"
    assert len(model["files"]) == 7
    for node in (head, model):
        assert node["sizes"][0] == node["sizes"][1], "no node grows"
        assert node["opaque"], "nothing prints through"
        assert node["covered"] == [], "nothing lies over it"
        assert node["inside"], "all of it is in the window"
        assert node["badge"] >= 24, "the badge is cut"
        seen = {"opaque": True, "covered": [], "inside": True, "above": True}
        assert node["above"] == seen, "at the window's foot it opens upwards"
        assert node["closed"] == ["badge", "Escape", "elsewhere", "out of sight"]
        assert node["left"] == 3, "a key for the list is none for the graph"
    assert model["scrolled"] > 0, "what has no room scrolls"
    assert model["followed"] == [-40, 150], "it moves with the badge"


def test_blueprint(server, environment, pictures):
    """The folded graph is offered, wired and run, where the host has such."""
    page = printed("blueprint.cjs", environment, server.url, "preview", pictures)
    if page["status"] == "absent":
        pytest.skip("this ComfyUI has no blueprints")
    assert page["status"] == "execution_success", page["error"]
    assert len(page["names"]) == 2
    assert len(page["nodes"]) == 3


def test_every_template(model_server, environment, pictures, renderer):
    """Each opens from the template browser with no node unknown, none over another, none out of
    its group, and fits a page with its words; the full reenactment runs, and then opens its
    scrubbers."""
    names = [path.stem for path in sorted((HERE.parents[1] / "workflows").glob("*.json"))]
    page = drive(
        "every_template.cjs", environment, model_server.url, "ComfyUI-MagicPortrait", pictures,
        renderer, "02_full_reenactment", *names,
    )  # fmt: skip
    check_renderer(page, renderer)
    assert sorted(page["templates"]) == names
    for name, seen in page["templates"].items():
        assert seen["unknown"] == [], name
        assert seen["note"], name
        assert seen["words"], name
        assert (seen["placed"]["over"], seen["placed"]["hang"]) == ([], []), name
    assert page["run"] == {"over": [], "hang": [], "folded": 0}
