"""Graphs run in a real server: the shipped workflow, the cache, cancel, and bad input."""

from __future__ import annotations

import copy
import json
import time
from pathlib import Path

import av
import numpy as np
import pytest
from PIL import Image

from tests.comfyui.graphs import cached, changed, decode, encode, failure, messages, succeeded

PACK = Path(__file__).resolve().parents[2]
GRAPH = PACK / "workflows" / "01_preview.json"
EXAMPLE, TRACK, PREVIEW, SAVE = "1", "2", "3", "4"


@pytest.fixture(scope="module")
def prompt(server) -> dict:
    """Workflow 01 as shipped."""
    return server.prompt_of(json.loads(GRAPH.read_text()))


def saved_video(server, entry: dict, node: str = SAVE) -> Path:
    (result,) = entry["outputs"][node]["images"]
    return server.base / "output" / result["subfolder"] / result["filename"]


def portrait_picture(server, size: int = 256) -> np.ndarray:
    """The shipped portrait, fetched from the example node, as (size, size, 3) uint8."""
    entry = succeeded(
        server.run(
            {
                "1": {"class_type": "MagicPortraitExample", "inputs": {}},
                "2": {"class_type": "PreviewImage", "inputs": {"images": ["1", 0]}},
            }
        )
    )
    (result,) = entry["outputs"]["2"]["images"]
    picture = Image.open(server.base / "temp" / result["subfolder"] / result["filename"])
    return np.asarray(picture.convert("RGB").resize((size, size)))


@pytest.fixture(scope="module")
def long_clip(server) -> str:
    """700 frames of the portrait, slid to and fro, in the input folder."""
    face = portrait_picture(server)
    encode(server.base / "input" / "long.mp4", (np.roll(face, i % 9, 1) for i in range(700)))
    return "long.mp4"


def with_file(prompt: dict, file: str, **cut) -> dict:
    """Workflow 01 with Load Driving Video in place of the example's clip."""
    defaults = {
        "fps": 24.0,
        "force_rate": 0.0,
        "skip_first_frames": 0,
        "frame_load_cap": 0,
        "select_every_nth": 1,
    }
    prompt = changed(prompt, TRACK, driving=["9", 0])
    prompt["9"] = {"class_type": "LoadDrivingVideo", "inputs": {"file": file} | defaults | cut}
    return prompt


def test_workflow_as_shipped(server, prompt):
    entry = succeeded(server.run(prompt))
    frames = decode(saved_video(server, entry))
    (driver,) = (server.base / "temp").glob("magicportrait_example_driver*.mp4")
    assert len(frames) == len(decode(driver))
    assert len(frames) >= 24
    assert frames.std(axis=0).mean() > 1, "the portrait does not move"


def test_gain_does_not_retrack(server, prompt):
    succeeded(server.run(changed(prompt, PREVIEW, pose=0.9)))
    entry = succeeded(server.run(changed(prompt, PREVIEW, pose=0.5)))
    assert cached(entry) == {EXAMPLE, TRACK}
    entry = succeeded(server.run(changed(prompt, TRACK, smoothing=0.2)))
    assert cached(entry) == {EXAMPLE}


def test_images_are_whole_only_where_wired(server, prompt):
    """Wiring images after a run gives all frames, and tracks nothing again."""
    succeeded(server.run(prompt))
    wired = copy.deepcopy(prompt)
    wired["8"] = {"class_type": "SaveImage", "inputs": {"images": [PREVIEW, 0]}}
    wired["8"]["inputs"]["filename_prefix"] = "whole"
    entry = succeeded(server.run(wired))
    assert {EXAMPLE, TRACK} <= cached(entry)
    frames = decode(saved_video(server, entry))
    assert len(entry["outputs"]["8"]["images"]) == len(frames)
    first = Image.open(server.base / "output" / entry["outputs"]["8"]["images"][0]["filename"])
    difference = np.asarray(first).astype(int) - frames[0]
    assert np.abs(difference).mean() < 6, "images and video show different pictures"


def test_overlay_is_made_when_wired(server, prompt):
    succeeded(server.run(prompt))
    wired = copy.deepcopy(prompt)
    wired["8"] = copy.deepcopy(prompt[SAVE])
    wired["8"]["inputs"] |= {"video": [TRACK, 1], "filename_prefix": "overlay"}
    entry = succeeded(server.run(wired))
    assert {EXAMPLE, TRACK, PREVIEW} <= cached(entry)
    assert len(decode(saved_video(server, entry, "8"))) == len(decode(saved_video(server, entry)))


def test_load_driving_video(server, prompt, long_clip):
    """Trim, thin, and hand on the frames used; the same file is not tracked twice."""
    graph = with_file(prompt, long_clip, skip_first_frames=3, frame_load_cap=5, select_every_nth=4)
    graph["8"] = copy.deepcopy(prompt[SAVE])
    graph["8"]["inputs"] |= {"video": ["9", 1], "filename_prefix": "used"}
    entry = succeeded(server.run(graph))
    used = saved_video(server, entry, "8")
    assert len(decode(used)) == len(decode(saved_video(server, entry))) == 5
    with av.open(str(used)) as container:
        assert container.streams.video[0].average_rate == 6
    assert {"9", TRACK} <= cached(succeeded(server.run(changed(graph, PREVIEW, mouth=0.5))))
    encode(server.base / "input" / long_clip, decode(server.base / "input" / long_clip)[:690])
    assert "9" not in cached(succeeded(server.run(graph)))


def test_video_and_frames_inputs(server, prompt, long_clip):
    """A VIDEO and a batch of frames drive as the file does."""
    by_video = with_file(prompt, "none", frame_load_cap=4)
    by_video["8"] = {"class_type": "LoadVideo", "inputs": {"file": long_clip}}
    by_video["9"]["inputs"]["video"] = ["8", 0]
    assert len(decode(saved_video(server, succeeded(server.run(by_video))))) == 4

    by_frames = with_file(prompt, "none", fps=10.0, frame_load_cap=3)
    by_frames["8"] = {
        "class_type": "RepeatImageBatch",
        "inputs": {"image": [EXAMPLE, 0], "amount": 4},
    }
    by_frames["9"]["inputs"]["frames"] = ["8", 0]
    path = saved_video(server, succeeded(server.run(by_frames)))
    assert len(decode(path)) == 3
    with av.open(str(path)) as container:
        assert container.streams.video[0].average_rate == 10


def test_still_editor(server):
    sliders = {"yaw": 0, "pitch": 0, "roll": 0, "blink": 0, "smile": 0, "mouth": 0, "brows": 0}
    graph = {
        "1": {"class_type": "MagicPortraitExample", "inputs": {}},
        "2": {"class_type": "MagicPortraitStillEditor", "inputs": {"portrait": ["1", 0]} | sliders},
    }

    def picture(**moved) -> np.ndarray:
        entry = succeeded(server.run(changed(graph, "2", **moved)))
        (shown,) = entry["outputs"]["2"]["images"]
        return np.asarray(Image.open(server.base / "temp" / shown["filename"])).astype(int)

    rest, turned = picture(), picture(yaw=15.0)
    assert np.abs(rest - turned).mean() > 1
    assert "bigger than max" in server.refusal(changed(graph, "2", yaw=90.0))


def test_cancel(server, prompt, long_clip):
    """Cancel while tracking, and while warping, takes at most 3 s."""
    for stage in (TRACK, PREVIEW):
        graph = with_file(prompt, long_clip, frame_load_cap=0 if stage == TRACK else 300)
        if stage == PREVIEW:  # track first, so that the run is warping at once
            only_track = {n: node for n, node in graph.items() if n not in (PREVIEW, SAVE)}
            only_track[SAVE] = copy.deepcopy(prompt[SAVE])
            only_track[SAVE]["inputs"] |= {"video": [TRACK, 1], "filename_prefix": "overlay"}
            succeeded(server.run(only_track))
        prompt_id = server.submit(graph)
        time.sleep(2.5)
        assert prompt_id not in server.get(f"/history/{prompt_id}"), "it ended before the cancel"
        start = time.monotonic()
        server.request("/interrupt", {})
        entry = server.finish(prompt_id, timeout=20)
        assert time.monotonic() - start < 3
        (interrupted,) = messages(entry, "execution_interrupted")
        assert interrupted["node_id"] == stage
    half = [
        p for p in (server.base / "temp").iterdir() if "tmp" in p.suffixes or p.suffix != ".mp4"
    ]
    assert [p for p in half if p.name.startswith("magicportrait")] == []


@pytest.mark.parametrize(
    ("file", "said"),
    [
        ("gone.mp4", "gone.mp4 is not in the input folder"),
        ("../secret.mp4", "../secret.mp4 lies outside the input folder"),
        ("/etc/hostname", "/etc/hostname lies outside the input folder"),
        ("none", "no video is chosen"),
    ],
)
def test_files_are_checked_before_the_run(server, prompt, file, said):
    (server.base / "secret.mp4").write_bytes(b"not for workflows")
    assert said in server.refusal(with_file(prompt, file))


def test_no_face_in_the_clip(server, prompt):
    grey = np.full((128, 128, 3), 90, np.uint8)
    encode(server.base / "input" / "grey.mp4", [grey] * 6)
    sentence = failure(server, with_file(prompt, "grey.mp4"))
    assert "grey.mp4" in sentence
    assert "shows a face" in sentence
    assert "\n" not in sentence


def test_no_face_in_the_portrait(server, prompt):
    Image.new("RGB", (128, 128), (90, 90, 90)).save(server.base / "input" / "grey.png")
    graph = changed(prompt, PREVIEW, portrait=["8", 0])
    graph["8"] = {"class_type": "LoadImage", "inputs": {"image": "grey.png"}}
    sentence = failure(server, graph)
    assert "the portrait shows no face" in sentence
    assert "\n" not in sentence


def test_text_named_mp4(server, prompt):
    (server.base / "input" / "text.mp4").write_text("no video at all\n" * 50)
    sentence = failure(server, with_file(prompt, "text.mp4"))
    assert "text.mp4" in sentence
    assert "\n" not in sentence


def test_no_frame_left(server, prompt, long_clip):
    sentence = failure(server, with_file(prompt, long_clip, skip_first_frames=5000))
    assert "frame" in sentence
    assert "\n" not in sentence


def test_sound_is_carried(server, prompt):
    """The driver's sound reaches the saved clip, cut to the frames used, and the audio output."""
    face = portrait_picture(server)
    encode(server.base / "input" / "sound.mp4", [face] * 24, tone=440)
    graph = with_file(prompt, "sound.mp4", skip_first_frames=6, frame_load_cap=12)
    graph["8"] = {
        "class_type": "SaveAudio",
        "inputs": {"audio": ["9", 2], "filename_prefix": "sound"},
    }
    entry = succeeded(server.run(graph))
    (audio,) = entry["outputs"]["8"]["audio"]
    for path in (saved_video(server, entry), server.base / "output" / audio["filename"]):
        with av.open(str(path)) as container:
            stream = container.streams.audio[0]
            samples = np.concatenate([f.to_ndarray()[0] for f in container.decode(stream)])
            assert abs(len(samples) / stream.rate - 0.5) < 0.06
            assert samples.astype(float).std() > 0


def test_lost_frames_are_named(server, prompt):
    """Frames without a face are listed in the log, and the run goes on."""
    face = portrait_picture(server)
    frames = [face] * 12
    frames[5] = np.full_like(face, 90)
    encode(server.base / "input" / "gap.mp4", frames)
    succeeded(server.run(with_file(prompt, "gap.mp4")))
    said = [line for line in server.log().splitlines() if "gap.mp4: no face found" in line]
    assert len(said) == 1
    assert "1 of 12 frames (5," in said[0]
