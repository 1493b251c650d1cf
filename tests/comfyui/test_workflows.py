"""Every shipped workflow, run by a real server as it is but for sizes: small pictures, few steps.

The stock models are random stand-ins under the names the graphs give (see stock_files.py), the
paper's networks tiny ones in the official layout, the head is tests/small_head.py's.
"""

from __future__ import annotations

import json
from pathlib import Path

import av
import pytest
from PIL import Image

from tests.comfyui.geometry import ACT
from tests.comfyui.graphs import succeeded
from tests.head_folder import fill_models
from tests.small_head import small_head

PACK = Path(__file__).resolve().parents[2]
WORKFLOWS = sorted(path.stem for path in (PACK / "workflows").glob("*.json"))
FRAMES, SIZE, FPS = 6, 128, 24
#: node -> widgets that a test makes small
SMALL = {
    "FLAMETrack": {"size": SIZE},
    "TemporalDenoise": {"steps": 2},
    "KSampler": {"steps": 2},
    "MagicPortraitLoraLoader": {"lora": "tiny_lora.safetensors"},
}
SAVERS = ("SaveVideo", "SaveImage")


def graph(name: str) -> dict:
    return json.loads((PACK / "workflows" / f"{name}.json").read_text())


def small(prompt: dict, driver: str) -> dict:
    """The prompt with small widgets, and a short clip in place of the example's."""
    examples = [i for i, node in prompt.items() if node["class_type"] == "MagicPortraitExample"]
    for node in prompt.values():
        node["inputs"].update(SMALL.get(node["class_type"], {}))
        for name, value in node["inputs"].items():
            if value in [[i, 1] for i in examples]:
                node["inputs"][name] = ["driver", 0]
    cut = {"fps": float(FPS), "force_rate": 0.0, "skip_first_frames": 0, "select_every_nth": 1}
    prompt["driver"] = {
        "class_type": "LoadDrivingVideo",
        "inputs": {"file": driver, "frame_load_cap": FRAMES, **cut},
    }
    return prompt


@pytest.mark.parametrize("name", WORKFLOWS)
def test_it_runs(model_server, act, name):
    server = model_server
    if not (server.base / "models" / "flame" / "small.safetensors").exists():  # others take it away
        fill_models(server.base / "models", small_head())
    prompt = small(server.prompt_of(graph(name)), ACT)
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
        assert frames == FRAMES


@pytest.mark.parametrize("name", WORKFLOWS)
def test_it_has_a_picture_and_a_note(name):
    with Image.open(PACK / "workflows" / f"{name}.jpg") as picture:
        assert min(picture.size) >= 256
    notes = [node for node in graph(name)["nodes"] if node["type"] == "MarkdownNote"]
    assert len(notes) == 1
    assert "in place of" in notes[0]["widgets_values"][0], "what to swap for one's own files"
