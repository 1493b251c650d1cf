"""What the page asks the server for: curves, frames, frames of other gains, state of weights."""

from __future__ import annotations

import io
import json
import shutil
import urllib.error
import urllib.request
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from tests.comfyui.geometry import EDIT, FRAMES, MAPS
from tests.comfyui.geometry import TRACK as TRACKED
from tests.comfyui.graphs import changed, decode, saved_files, succeeded

PACK = Path(__file__).resolve().parents[2]
TRACK, PREVIEW, SAVE = "2", "3", "4"
CLIENT = "a page"
STRIDE = 8  #: of the geometry graph's clip
GAINS = {"pose": 1.0, "expression": 1.0, "mouth": 1.0, "eyes": 1.0, "brows": 1.0}
SLIDERS = GAINS | {"mode": "relative", "neutral_frame": -1, "mirror": False}


@pytest.fixture(scope="module")
def prompt(server) -> dict:
    graph = server.prompt_of(json.loads((PACK / "workflows" / "01_preview.json").read_text()))
    return changed(graph, TRACK, smoothing=0.45)  # not cached by other tests


@pytest.fixture(scope="module")
def run(server, prompt) -> dict:
    """The history of workflow 01, run for CLIENT."""
    return succeeded(server.finish(server.submit(prompt, CLIENT)))


def key(run: dict, node: str) -> str:
    """What the node told the page to ask for."""
    (told,) = run["outputs"][node]["magicportrait"]
    return told["run"]


@pytest.fixture
def ask(server, run):
    """Ask for a frame; (height, width, 3) int."""

    def frame(node=TRACK, **what) -> np.ndarray:
        body = {"run": key(run, node), "view": "frame", "frame": 0} | what
        answer = server.request("/magicportrait/frame", body)
        return np.asarray(Image.open(io.BytesIO(answer)).convert("RGB")).astype(int)

    return frame


def refused(ask, **what) -> tuple[int, str]:
    with pytest.raises(urllib.error.HTTPError) as error:
        ask(**what)
    return error.value.code, error.value.read().decode()


def found(server, **asked) -> dict:
    return json.loads(server.request("/magicportrait/runs", asked))


def test_a_run_is_found_by_what_it_was_fed(server, run, prompt):
    """By the prompt's id and by the prompt itself, whatever its nodes are called."""
    keys = {node: key(run, node) for node in (TRACK, PREVIEW)}
    assert found(server, prompt_id=run["prompt"][1]) == keys
    assert found(server, prompt=prompt) == keys
    renamed = json.loads(json.dumps(prompt).replace('"2"', '"7:2"'))
    assert found(server, prompt=renamed) == {"7:2": keys[TRACK], PREVIEW: keys[PREVIEW]}
    assert found(server, prompt=changed(prompt, TRACK, smoothing=0.44)) == {}
    # the preview's own inputs are sliders, which the page sends along
    assert found(server, prompt=changed(prompt, PREVIEW, pose=0.2)) == keys
    assert found(server, prompt=changed(prompt, PREVIEW, face_track=None)) == {TRACK: keys[TRACK]}


def test_what_is_no_prompt_finds_nothing(server, run, prompt):
    looped = changed(prompt, TRACK, driving=[PREVIEW, 0])
    for asked in (
        {},
        {"prompt_id": "none"},
        {"prompt": [1]},
        {"prompt": {"1": 5, "2": {}, "3": {"inputs": {"a": ["1", 0]}, "class_type": "x"}}},
        {"prompt": looped},
    ):
        assert found(server, **asked) == {}


def test_curves(server, run):
    driver = decode(saved_files(server, run, SAVE)[0])
    driving = ["frame", "mesh"]
    for node, views, first, live in (
        (TRACK, driving, ["mesh"], False),
        (PREVIEW, [*driving, "result"], ["mesh", "result"], True),
    ):
        told = json.loads(server.request("/magicportrait/curves", {"run": key(run, node)}))
        assert (told["views"], told["first"], told["live"]) == (views, first, live)
        assert told["frames"] == len(driver)
        lines = [line for panel in told["panels"] for line in panel["lines"]]
        assert [line["name"] for line in lines] == ["yaw", "pitch", "roll", "mouth", "eyes"]
        assert all(len(line["values"]) == len(driver) for line in lines)
        assert max(lines[0]["values"]) > 8, "the scripted head turns"


def test_frames_are_the_drivers(server, ask):
    (driver,) = (server.base / "temp").glob("magicportrait_example_driver*.mp4")
    frames = decode(driver).astype(int)
    for i in (40, 3, 95):
        assert np.abs(ask(frame=i) - frames[i]).mean() < 3
    mesh = ask(view="mesh", frame=40)
    assert 0.5 < np.abs(mesh - ask(frame=40)).mean() < 20
    close = ask(view="mesh", frame=40, close=True)
    assert close.shape[0] < 512
    assert np.array_equal(ask(node=PREVIEW, frame=40), ask(frame=40)), "the same driver"


def test_a_live_frame_is_that_of_the_clip(server, run, ask):
    made = decode(saved_files(server, run, SAVE)[0]).astype(int)
    own = {"node": PREVIEW, "view": "result", "frame": 20, "sliders": SLIDERS}
    still = own | {"sliders": SLIDERS | {"pose": 0.0, "expression": 0.0}}
    as_run, at_rest, wanted = (coarse(picture) for picture in (ask(**own), ask(**still), made[20]))
    assert np.abs(as_run - wanted).mean() < 1.5
    assert np.abs(at_rest - wanted).mean() > 1.5 * np.abs(as_run - wanted).mean()
    face = ask(**own, close=True)
    assert face.shape[0] < made.shape[1], "the face alone"
    assert face.std() > 20


def coarse(picture: np.ndarray) -> np.ndarray:
    """Cells of 8 x 8 px: what codecs add is gone."""
    high, wide = (side // 8 for side in picture.shape[:2])
    return picture.reshape(high, 8, wide, 8, 3).mean((1, 3))


@pytest.mark.parametrize(
    ("what", "code", "said"),
    [
        ({"run": "99"}, 404, "run the graph once"),
        ({"run": None}, 404, "run the graph once"),
        ({"frame": 96}, 400, "frame must be 0 to 95, got 96"),
        ({"frame": "x"}, 400, "frame must be a whole number"),
        ({"frame": None}, 400, "frame must be a whole number"),
        ({"node": PREVIEW, "view": "result", "sliders": [1]}, 400, "sliders must be an object"),
        ({"node": PREVIEW, "view": "result", "sliders": SLIDERS | {"pose": []}}, 400, "pose must"),
        ({"view": "../../comfy.db"}, 400, "this node has no view"),
        ({"node": PREVIEW, "view": "result", "sliders": {"pose": 9}}, 400, "neutral_frame"),
        ({"node": PREVIEW, "view": "result", "sliders": SLIDERS | {"pose": 9}}, 400, "gain pose"),
    ],
)
def test_what_cannot_be_is_said(ask, what, code, said):
    answered, text = refused(ask, **what)
    assert answered == code
    assert said in text


def test_what_is_no_input_is_left_out(ask):
    """A widget that the host adds to the node, such as a note's."""
    own = {"node": PREVIEW, "view": "result", "frame": 20}
    noted = ask(**own, sliders=SLIDERS | {"$$node-text-preview": "a note", "x": [1]})
    assert np.array_equal(noted, ask(**own, sliders=SLIDERS))


@pytest.mark.parametrize("route", ["runs", "curves", "frame", "still"])
@pytest.mark.parametrize("body", [b"{", b"[1]", b"5", b"null", b"\xff", b"", b"[" * 100_000])
def test_a_body_that_is_no_object_is_refused(server, route, body):
    headers = {"Content-Type": "application/json"}
    url = f"{server.url}/magicportrait/{route}"
    with pytest.raises(urllib.error.HTTPError) as error:
        urllib.request.urlopen(urllib.request.Request(url, body, headers), timeout=60)
    assert error.value.code == 400
    assert "must be" in error.value.read().decode()


def test_a_still_is_held_by_what_was_fed_to_it(server):
    """Wherever the node lies and however its sliders stand."""
    sliders = dict.fromkeys(("yaw", "pitch", "roll", "blink", "smile", "mouth", "brows"), 0.0)
    example = {"class_type": "MagicPortraitExample", "inputs": {}}
    editor = {"class_type": "MagicPortraitStillEditor"}
    graph = {"1": example, "12:5": editor | {"inputs": {"portrait": ["1", 0]} | sliders}}
    entry = succeeded(server.run(graph))
    assert entry["outputs"]["12:5"]["images"]
    run = key(entry, "12:5")
    assert found(server, prompt=changed(graph, "12:5", yaw=9)) == {"12:5": run}
    assert found(server, prompt=changed(graph, "12:5", portrait=["1", 1])) == {}

    def still(**sliders) -> np.ndarray:
        answer = server.request("/magicportrait/still", {"run": run, "sliders": sliders})
        return np.asarray(Image.open(io.BytesIO(answer)).convert("RGB")).astype(int)

    assert np.abs(still(yaw=15) - still()).mean() > 0.5
    assert np.array_equal(still(yaw=15, **{"$$node-text-preview": "a note"}), still(yaw=15))
    for sliders, said in (
        ({"yaw": 99}, "yaw must be"),
        ({"yaw": None}, "yaw must be"),
        ([], "obj"),
    ):
        with pytest.raises(urllib.error.HTTPError) as error:
            server.request("/magicportrait/still", {"run": run, "sliders": sliders})
        assert error.value.code == 400
        assert said in error.value.read().decode()


@pytest.mark.parametrize("graph", ["bare", "headed"])
def test_nodes_down_the_wire_show_the_driver(server, act, request, graph):
    """The motion carries the clip it was seen in: its own frames, and maps beside them."""
    prompt = changed(request.getfixturevalue(graph), TRACKED, smoothing=0.41)
    entry = succeeded(server.run(prompt))
    for node, live in ((TRACKED, False), (EDIT, True), (MAPS, False)):
        run = {"run": key(entry, node)}
        told = json.loads(server.request("/magicportrait/curves", run))
        assert told["views"] == ["frame", "mesh", "depth", "normal", "render"]
        assert (told["frames"], told["live"]) == (FRAMES, live)
        for view, low, high in (("frame", 0, 3), ("mesh", 0.5, 40)):
            answer = server.request("/magicportrait/frame", run | {"view": view, "frame": 5})
            seen = np.asarray(Image.open(io.BytesIO(answer))).astype(int)
            assert low <= np.abs(seen - act[5 * STRIDE]).mean() < high


WITHOUT_A_CLIP = """
import sys
sys.argv = ["", {pack!r}]
sys.path.insert(0, {inside!r})
from host import error_of, run_node
from pack.magicportrait_core.faces.tracker import track_image
from pack.nodes.example import MagicPortraitExample
from pack.nodes.faces.networks import face_networks
from pack.nodes.graphs.held import UI
from pack.nodes.live.track import held_runs, hold_preview
from pack.nodes.media.convert import to_uint8
from pack.nodes.sockets import TrackedFace
from pack.nodes.track_face import MagicPortraitTrackFace
portrait, driving = run_node(MagicPortraitExample)
face, _ = run_node(
    MagicPortraitTrackFace, driving=driving, face="largest", face_index=0, smoothing=0.5
)
picture = portrait[0].movedim(-1, 0)
still = track_image(to_uint8(picture), face_networks(), name="the portrait")
for views in (face.views, dict()):
    driver = TrackedFace(face.track, None, views)
    told = hold_preview("1", picture, still, driver)
    run = held_runs.get(told[UI][0]["run"])
    print("SAID", error_of(run.picture, "frame", 3, True, None))
"""


def test_a_track_without_its_clip_says_so(run_in_comfyui):
    """A track of another pack's: in words, where the picture would be."""
    inside = str(Path(__file__).parent / "inside")
    said = run_in_comfyui(WITHOUT_A_CLIP.format(pack=str(PACK), inside=inside))
    with_clip, without = (line for line in said.splitlines() if line.startswith("SAID"))
    assert with_clip.strip() == "SAID"
    assert "the clip is not known here" in without


@pytest.fixture
def no_networks(server) -> Iterator[Path]:
    """models/magicportrait, empty for a while."""
    folder, aside = (server.base / "models" / name for name in ("magicportrait", "aside"))
    folder.rename(aside)
    folder.mkdir()
    yield folder
    shutil.rmtree(folder)
    aside.rename(folder)


def test_state_of_weights(server, no_networks):
    """What is there is said, and no path of this machine."""
    state = server.get("/magicportrait/weights")
    assert not state["model"]["ready"]
    assert state["model"]["summary"] == "0 of 6 files installed"
    assert {f["key"] for f in state["model"]["files"] if f["needed"]} >= {"denoising_unet"}
    assert str(server.base) not in json.dumps(state)
    for file in state["model"]["files"]:
        assert file["address"].startswith("https://")
        assert file["licence"]
    for name, summary, ready in (
        ("reference_unet.pth", "1 of 6 files installed", False),
        ("motion_module-47360.pth", "1 of 6 files installed", False),
        ("denoising_unet.pth", "1 of 5 files installed", False),
        ("magicportrait_fp16.safetensors", "magicportrait_fp16.safetensors installed", True),
    ):
        (no_networks / name).touch()
        state = server.get("/magicportrait/weights")["model"]
        (no_networks / name).unlink()
        assert (state["summary"], state["ready"]) == (summary, ready)
