"""The geometry nodes in a real server: tracks, edits, maps, and what is refused."""

from __future__ import annotations

import copy
from pathlib import Path

import av
import numpy as np
import pytest
from PIL import Image

from tests.comfyui.geometry import (
    ACT,
    EDIT,
    EXAMPLE,
    HEAD,
    LOAD,
    MAPS,
    SAVE,
    SIDE,
    TAKER,
    TRACK,
    graph_of,
    load,
    maps_of,
    taken,
)
from tests.comfyui.graphs import (
    cached,
    changed,
    decode,
    encode,
    failure,
    save_video,
    saved_files,
    succeeded,
)


def test_without_any_head_the_face_mesh_moves(server, bare):
    entry = succeeded(server.run(taken(bare, [TRACK, 0], "crop")))
    frames = decode(saved_files(server, entry, SAVE)[0])
    assert frames.std(0).max() > 20
    (crop,) = saved_files(server, entry, TAKER)
    assert Image.open(crop).size == (SIDE, SIDE)
    said = [line for line in server.log().splitlines() if "landmarks_only: no head model" in line]
    assert said
    assert "gnm_head.npz" in said[-1]
    assert "set if_missing to download on Load Head Model" in said[-1]
    assert "flame.is.tue.mpg.de" in said[-1]
    succeeded(server.run(changed(bare, TRACK, tracker="landmarks_only")))
    said = [line for line in server.log().splitlines() if "landmarks_only: asked for" in line]
    assert said[-1].endswith("asked for"), "no advice about heads to whoever wants none"


def test_what_needs_a_head_says_how_to_get_one(server, bare):
    sentence = failure(server, changed(bare, TRACK, tracker="landmark_fit"), TRACK)
    assert "landmark_fit needs a head model" in sentence
    assert "gnm_head.npz" in sentence
    graph = graph_of(True)
    for choice, wanted in (
        ("auto", "there is no head model in"),
        ("flame2020_generic (not installed)", "generic_model.pkl (head model FLAME 2020 generic"),
        ("flame2020_generic", "about 53 MB) is not in"),
        ("gnm_head (not installed)", "set if_missing to download"),
        ("my_own", "no head model my_own"),
    ):
        sentence = failure(server, changed(graph, HEAD, head=choice), HEAD)
        assert wanted in sentence
        assert str(server.base / "models" / "flame") in sentence
        assert sentence.count("gnm_head.npz") <= 1
    paper = failure(server, changed(bare, TRACK, tracker="deca_smirk"), TRACK)
    for name in ("generic_model.pkl", "landmark_embedding.npy", "deca_model.tar", "SMIRK_em1.pt"):
        assert name in paper
    assert "GNM" not in paper
    sentence = failure(
        server, changed(graph, HEAD, head="flame2023 (not installed)", if_missing="download"), HEAD
    )
    assert "register at" in sentence


def test_gains_that_a_face_mesh_cannot_take_are_told(server, bare):
    succeeded(server.run(changed(bare, EDIT, translation=1.0)))
    assert "translation of Motion Edit does nothing here: the track is landm" in server.log()


def test_known_heads_are_offered(server, bare):
    kinds = server.get("/object_info/MagicPortraitHeadLoader")["MagicPortraitHeadLoader"]
    offered = kinds["input"]["required"]["head"][1]["options"]
    assert offered[0] == "auto"
    assert "gnm_head (not installed)" in offered
    assert "flame2020_generic (not installed)" in offered


def test_a_gain_reruns_only_what_depends_on_it(server, headed):
    entry = succeeded(server.run(headed))
    frames = decode(saved_files(server, entry, SAVE)[0])
    assert frames.std(0).max() > 20
    assert cached(succeeded(server.run(headed))) == set(headed)
    still = dict.fromkeys(("expression", "jaw", "eyelids", "yaw", "pitch", "roll"), 0.0)
    entry = succeeded(server.run(changed(headed, EDIT, **still)))
    assert cached(entry) == {EXAMPLE, LOAD, HEAD, TRACK}
    rest = decode(saved_files(server, entry, SAVE)[0])
    assert len(rest) == len(frames)
    # what is left is the encoder's: a still picture gets better from frame to frame
    assert rest.astype(int).std(0).mean() < 0.1 * frames.astype(int).std(0).mean()
    graph = changed(changed(headed, EDIT, **still), MAPS, mode="parity")
    assert cached(succeeded(server.run(graph))) == {EXAMPLE, LOAD, HEAD, TRACK, EDIT}


def test_files_dropped_in_are_seen(server, headed):
    """Another file beside the head is no reason to track again; a new part of it is."""
    succeeded(server.run(headed))
    folder = server.base / "models" / "flame"
    (folder / "notes.txt").write_text("mine")
    assert cached(succeeded(server.run(headed))) == set(headed)
    part = folder / "flame_landmarks.safetensors"
    part.write_bytes(part.read_bytes())
    entry = succeeded(server.run(headed))
    assert HEAD not in cached(entry)


def test_key_frames(server, headed):
    keys = '{"keys": [{"frame": 0, "yaw": -20}, {"frame": 11, "yaw": 20}]}'
    plain, keyed = maps_of(server, headed), maps_of(server, changed(headed, EDIT, keys=keys))
    assert np.abs(plain.astype(int) - keyed).mean() > 1
    sentence = failure(server, changed(headed, EDIT, keys="frame,yav\n0,3\n"), EDIT)
    assert "did you mean yaw" in sentence
    sentence = failure(server, changed(headed, EDIT, keys="frame,yaw\n9999,3\n"), EDIT)
    assert "a key stands at frame 9999" in sentence


def test_map_sizes(server, headed):
    wide = changed(taken(headed, [MAPS, 1], "wide"), MAPS, width=128)
    entry = succeeded(server.run(wide))
    assert Image.open(saved_files(server, entry, TAKER)[0]).size == (128, 128)
    sentence = failure(server, changed(headed, MAPS, width=512, height=256), MAPS)
    assert "512x256" in sentence
    assert "256x256" in sentence


def test_the_overlay_shows_the_driver(server, headed):
    graph = copy.deepcopy(headed)
    graph[SAVE]["inputs"]["video"] = [TRACK, 2]
    graph[TAKER] = save_video([LOAD, 1], "plain")
    entry = succeeded(server.run(graph))
    over, plain = (decode(saved_files(server, entry, node)[0]) for node in (SAVE, TAKER))
    assert over.shape == plain.shape
    assert np.abs(over.astype(int) - plain).max() > 60


def test_a_face_track_is_not_tracked_again(server, headed):
    graph = changed(headed, TRACK, face_track=["9", 0])
    graph["9"] = {
        "class_type": "MagicPortraitTrackFace",
        "inputs": {
            "driving": [LOAD, 0], "face": "largest", "face_index": 0, "smoothing": 0.5,
        },
    }  # fmt: skip
    assert maps_of(server, graph).shape == maps_of(server, headed).shape
    graph["9"]["inputs"]["driving"] = ["10", 0]
    graph["10"] = load(ACT, frame_load_cap=5)
    sentence = failure(server, graph, TRACK)
    assert "the face track is of 5 frames" in sentence


def test_no_face(server, headed):
    Image.new("RGB", (300, 300), (90, 90, 90)).save(server.base / "input" / "grey.png")
    graph = changed(headed, TRACK, portrait=["9", 0])
    graph["9"] = {"class_type": "LoadImage", "inputs": {"image": "grey.png"}}
    assert "the portrait shows no face" in failure(server, graph, TRACK)


def test_wrong_values(server, headed):
    assert "neutral_frame must be between" in failure(
        server, changed(headed, EDIT, relative=True, neutral_frame=9000), EDIT
    )
    assert "crop_scale" in server.refusal(changed(headed, TRACK, crop_scale=9.0))
    sentence = failure(server, changed(headed, TRACK, tracker="deca_smirk"), TRACK)
    assert "generic_model.pkl" in sentence


def test_the_whole_portrait(server, headed):
    graph = taken(changed(headed, TRACK, crop="none"), [TRACK, 0], "whole")
    entry = succeeded(server.run(graph))
    portrait = Image.open(saved_files(server, entry, TAKER)[0])
    frames = decode(saved_files(server, entry, SAVE)[0])
    assert max(portrait.size) == 512
    assert frames.shape[1] > 512


@pytest.mark.slow
def test_a_long_clip_takes_no_more_memory(server, headed, act):
    """2,000 frames, tracked, rendered and filmed: under 300 MB more than before."""
    succeeded(server.run(headed))  # the networks and the codecs are loaded
    small = act[:, ::2, ::2]
    encode(server.base / "input" / "long2000.mp4", (small[i % len(small)] for i in range(2000)))
    graph = changed(headed, TRACK, driving=[LOAD, 0])
    graph[LOAD] = load("long2000.mp4")
    graph[TAKER] = save_video([TRACK, 2], "overlay")
    before, most = resident(server), 0
    prompt_id = server.submit(graph)

    def watch() -> None:
        nonlocal most
        most = max(most, resident(server))

    entry = succeeded(server.finish(prompt_id, timeout=1800, watch=watch))
    print(f"resident memory grew from {before} to {most} MB")
    assert most - before < 300
    for node in (SAVE, TAKER):
        (path,) = saved_files(server, entry, node)
        with av.open(str(path)) as container:
            assert sum(1 for _ in container.decode(video=0)) == 2000


def resident(server) -> int:
    """MB of the server's memory."""
    status = Path(f"/proc/{server.process.pid}/status")
    if not status.exists():
        pytest.skip("memory is read from /proc, which this system has not")
    (line,) = (line for line in status.read_text().splitlines() if line.startswith("VmRSS"))
    return int(line.split()[1]) // 1024
