"""Outside ComfyUI the pack's root does nothing; its workflows and help pages are whole."""

from __future__ import annotations

import importlib.util
import json
import re
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
GRAPHS = sorted((ROOT / "workflows").glob("*.json"))


def test_import_does_nothing_outside_comfyui(pack):
    if importlib.util.find_spec("comfy_api"):
        pytest.skip("ComfyUI is on the path here")
    assert not hasattr(pack, "comfy_entrypoint")
    assert not hasattr(pack, "WEB_DIRECTORY")
    assert f"{pack.__name__}.nodes" not in sys.modules


def test_there_are_workflows():
    assert GRAPHS


@pytest.mark.parametrize("path", GRAPHS, ids=lambda p: p.stem)
def test_workflow_is_consistent(path):
    """Links name slots that exist, nodes do not overlap, a note explains, a picture is there."""
    graph = json.loads(path.read_text(encoding="utf-8"))
    nodes = {node["id"]: node for node in graph["nodes"]}
    for link, source, out, target, slot, kind in graph["links"]:
        output, taker = nodes[source]["outputs"][out], nodes[target]["inputs"][slot]
        assert output["type"] == kind
        assert taker["type"] in (kind, "*")
        assert link in output["links"]
        assert taker["link"] == link
    assert max(nodes) == graph["last_node_id"]
    assert max(link[0] for link in graph["links"]) == graph["last_link_id"]
    assert any(node["type"] == "MarkdownNote" for node in nodes.values())
    assert any(node["type"] in ("SaveVideo", "SaveImage") for node in nodes.values())
    boxes = [
        (*n["pos"], n["pos"][0] + n["size"][0], n["pos"][1] + n["size"][1]) for n in nodes.values()
    ]
    for i, a in enumerate(boxes):
        for b in boxes[:i]:
            apart = a[2] < b[0] or b[2] < a[0] or a[3] + 30 < b[1] or b[3] + 30 < a[1]
            assert apart, f"nodes at {a[:2]} and {b[:2]} overlap"
    picture = path.with_suffix(".jpg")
    assert picture.read_bytes()[:2] == b"\xff\xd8"
    assert picture.stat().st_size < 100_000


def test_pictures_of_help_pages_are_there():
    """They are named from the page's own folder: the pack's folder may have any name."""
    pages = ROOT / "web" / "docs"
    named = [
        (page.name, name)
        for page in pages.glob("*.md")
        for name in re.findall(r"!\[[^\]]*\]\(([^)]+)\)", page.read_text(encoding="utf-8"))
    ]
    assert named
    for page, name in named:
        assert (pages / name).resolve().is_file(), f"{page} shows {name}"
