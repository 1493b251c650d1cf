"""Paste Back in a real server: into the portrait, over a clip's face, and what does not fit."""

from __future__ import annotations

import copy

import numpy as np
import pytest

from tests.comfyui.geometry import (
    ACT,
    EXAMPLE,
    LOAD,
    SAVE,
    TRACK,
    load,
    maps_of,
)
from tests.comfyui.graphs import (
    changed,
    decode,
    failure,
    pictures,
    save_image,
    save_video,
    saved_files,
    succeeded,
)


def pasted(headed: dict, upscale: float = 1.0) -> dict:
    """The graph with the still crop, repeated, pasted back in place of maps."""
    graph = copy.deepcopy(headed)
    graph["30"] = {
        "class_type": "ImageScaleBy",
        "inputs": {"image": [TRACK, 0], "upscale_method": "bicubic", "scale_by": upscale},
    }
    graph["31"] = {"class_type": "RepeatImageBatch", "inputs": {"image": ["30", 0], "amount": 3}}
    graph["32"] = {
        "class_type": "MagicPortraitPasteBack",
        "inputs": {"images": ["31", 0], "track": [TRACK, 1], "feather": 0.08},
    }
    graph[SAVE] = save_video(["32", 0], "pasted")
    graph["33"] = save_image(["32", 1], "pasted")
    graph["34"] = save_image([EXAMPLE, 0], "portrait")
    return graph


@pytest.mark.parametrize("upscale", [1.0, 2.0])
def test_the_crop_goes_back_where_it_was(server, headed, upscale):
    entry = succeeded(server.run(changed(pasted(headed, upscale), TRACK, size=512)))
    back = pictures(saved_files(server, entry, "33"))
    portrait = pictures(saved_files(server, entry, "34"))
    assert back.shape == (3, *portrait.shape[1:])
    off = np.abs(back.astype(int) - portrait)
    assert (off.max((0, 3)) == 0).mean() > 0.2, "no pixel is left as it was"
    assert off.mean() < 1.5
    assert decode(saved_files(server, entry, SAVE)[0]).shape == back.shape


def test_over_the_face_of_a_clip(server, headed, act):
    """The result of the preview goes over the driver's own face, streamed from VIDEO to VIDEO."""
    graph = {
        EXAMPLE: headed[EXAMPLE],
        LOAD: load(ACT, frame_load_cap=6),
        "9": {
            "class_type": "MagicPortraitTrackFace",
            "inputs": {
                "driving": [LOAD, 0], "face": "largest", "face_index": 0, "smoothing": 0.5,
            },
        },
        "10": {
            "class_type": "MagicPortraitPreview",
            "inputs": {
                "portrait": [EXAMPLE, 0], "face_track": ["9", 0], "mode": "relative",
                "neutral_frame": -1, "mirror": False,
                **dict.fromkeys(("pose", "expression", "mouth", "eyes", "brows"), 1.0),
            },
        },
        "32": {
            "class_type": "MagicPortraitPasteBack",
            "inputs": {
                "result": ["10", 1], "face_track": ["9", 0], "target_video": [LOAD, 1],
                "feather": 0.08,
            },
        },
        SAVE: save_video(["32", 0], "over"),
    }  # fmt: skip
    frames = maps_of(server, graph)
    clip = act[:6]
    assert frames.shape == clip.shape
    off = np.abs(frames.astype(int) - clip).mean((0, 3))
    assert np.median(off) < 3, "the surroundings have changed"


def test_what_cannot_be_pasted(server, headed):
    graph = pasted(headed)
    alone = {key: node for key, node in graph.items() if key != "34"}  # else that one runs
    # before anything runs: this node is the last of a long graph
    assert "to images or to result" in server.refusal(changed(alone, "32", images=None))
    assert "wire track" in server.refusal(changed(alone, "32", track=None))
    graph["35"] = {
        "class_type": "ImageScale",
        "inputs": {
            "image": ["31", 0], "upscale_method": "bicubic", "width": 300, "height": 200,
            "crop": "disabled",
        },
    }  # fmt: skip
    sentence = failure(server, changed(graph, "32", images=["35", 0]), "32")
    assert "300x200" in sentence
    sentence = failure(server, changed(graph, "32", target=["35", 0]), "32")
    assert "the target is 300x200" in sentence
