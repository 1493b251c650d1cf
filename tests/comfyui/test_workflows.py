"""Every shipped workflow, run by a real server as it is but for sizes: small pictures, few steps.

The stock models are random stand-ins under the names the graphs give (see stock_files.py), the
paper's networks tiny ones in the official layout, the head is tests/small_head.py's.
"""

from __future__ import annotations

import json
import re
from pathlib import Path

import av
import pytest
from PIL import Image

from tests.comfyui.graphs import cached, encode, loudest, save_image, succeeded
from tests.head_folder import fill_models
from tests.small_head import small_head

PACK = Path(__file__).resolve().parents[2]
WORKFLOWS = sorted(path.stem for path in (PACK / "workflows").glob("*.json"))
FRAMES, SIZE, FPS = 6, 128, 30
NARROWEST = 225  #: px
PROMISE = "with the driver's sound"  #: what a note says of the result
#: node -> widgets that a test makes small
SMALL = {
    "FLAMETrack": {"size": SIZE},
    "TemporalDenoise": {"steps": 2},
    "KSampler": {"steps": 2},
    "MagicPortraitLoraLoader": {"lora": "tiny_lora.safetensors"},
}
SAVERS = ("SaveVideo", "SaveImage")
DRIVER = "driver"


def graph(name: str) -> dict:
    return json.loads((PACK / "workflows" / f"{name}.json").read_text())


def note_of(name: str) -> str:
    (note,) = (node for node in graph(name)["nodes"] if node["type"] == "MarkdownNote")
    return note["widgets_values"][0]


@pytest.fixture
def spoken(server, act) -> str:
    """A clip in the input folder that has another rate than the example's, and a sound."""
    name = "spoken.mp4"
    if not (server.base / "input" / name).exists():
        encode(server.base / "input" / name, act[: 2 * FRAMES], FPS, tone=440.0)
    return name


def small(prompt: dict, driver: str) -> dict:
    """The prompt with small widgets, and a short clip in place of the example's."""
    examples = [i for i, node in prompt.items() if node["class_type"] == "MagicPortraitExample"]
    for node in prompt.values():
        node["inputs"].update(SMALL.get(node["class_type"], {}))
        for name, value in node["inputs"].items():
            if value in [[i, 1] for i in examples]:
                node["inputs"][name] = [DRIVER, 0]
    cut = {"fps": 1.0, "force_rate": 0.0, "skip_first_frames": 0, "select_every_nth": 1}
    prompt[DRIVER] = {
        "class_type": "LoadDrivingVideo",
        "inputs": {"file": driver, "frame_load_cap": FRAMES, **cut},
    }
    return prompt


@pytest.mark.parametrize("name", WORKFLOWS)
def test_it_runs(model_server, spoken, name):
    """To its end; a film has the driver's rate, and its sound where the note promises it."""
    server, note = model_server, note_of(name)
    if not (server.base / "models" / "flame" / "small.safetensors").exists():  # others take it away
        fill_models(server.base / "models", small_head())
    prompt = small(server.prompt_of(graph(name)), spoken)
    entry = succeeded(server.run(prompt, timeout=400))
    savers = [i for i, node in prompt.items() if node["class_type"] in SAVERS]
    assert savers
    for saver in savers:
        (result,) = entry["outputs"][saver]["images"]
        path = server.base / "output" / result["subfolder"] / result["filename"]
        if path.suffix == ".png":
            with Image.open(path) as picture:
                assert min(picture.size) > 64
            continue
        with av.open(str(path)) as film:
            frames = sum(1 for _ in film.decode(video=0))
            rate, sounds = film.streams.video[0].average_rate, len(film.streams.audio)
        assert frames == FRAMES
        assert rate == FPS
        if PROMISE in note:
            assert sounds == 1
            assert loudest(path) > 0.1


def test_a_picture_wired_after_the_run_denoises_nothing_again(model_server, spoken):
    prompt = small(model_server.prompt_of(graph("02_full_reenactment")), spoken)
    succeeded(model_server.run(prompt, timeout=400))
    (maps,) = (i for i, node in prompt.items() if node["class_type"] == "RenderGeometryMaps")
    late = {"late": save_image([maps, 1], "late")}
    entry = succeeded(model_server.run(prompt | late))
    assert cached(entry) == set(prompt)
    assert len(entry["outputs"]["late"]["images"]) == FRAMES


@pytest.mark.parametrize("name", WORKFLOWS)
def test_it_has_a_picture_and_a_note(name):
    with Image.open(PACK / "workflows" / f"{name}.jpg") as picture:
        assert min(picture.size) >= 256
    assert "in place of" in note_of(name), "what to swap for one's own files"


@pytest.mark.parametrize("name", WORKFLOWS)
def test_its_nodes_are_as_wide_as_pages_draw_them(name):
    """The newer page draws none narrower, so one would grow over what stands beside it."""
    narrow = [node["type"] for node in graph(name)["nodes"] if node["size"][0] < NARROWEST]
    assert narrow == []


@pytest.mark.parametrize("name", WORKFLOWS)
def test_its_note_names_installed_nodes(server, name):
    """What is bold in it are names that the page shows, and finds."""
    shown = {info["display_name"] for info in server.get("/object_info").values()}
    named = re.findall(r"\*\*(.+?)\*\*", note_of(name))
    assert named
    assert set(named) <= shown
