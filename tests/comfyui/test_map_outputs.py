"""What Render Geometry Maps gives beside its maps: pictures, made when read, sound and rate."""

from __future__ import annotations

import copy
import time

import av
import numpy as np
import pytest

from tests.comfyui.geometry import EDIT, EXAMPLE, FRAMES, HEAD, LOAD, MAPS, SAVE, SIDE, TRACK, load
from tests.comfyui.graphs import (
    cached,
    changed,
    encode,
    loudest,
    messages,
    pictures,
    save_image,
    save_video,
    saved_files,
    succeeded,
)

DEPTH, NORMAL, RENDER, MASK, SOUND, RATE = 1, 2, 3, 4, 6, 7  #: places of the outputs
KINDS = {"21": "depth", "22": "normal", "23": "render", "25": "mask"}  #: saver -> what it saves
TWIN, FILM = "30", "40"


def with_savers(graph: dict, maps: str = MAPS) -> dict:
    """The graph with all four pictures saved."""
    graph = copy.deepcopy(graph)
    for saver, place in zip(KINDS, (DEPTH, NORMAL, RENDER), strict=False):
        graph[saver] = save_image([maps, place], KINDS[saver])
    graph["24"] = {"class_type": "MaskToImage", "inputs": {"mask": [maps, MASK]}}
    graph["25"] = save_image(["24", 0], "mask")
    return graph


def saved(server, entry: dict) -> dict[str, np.ndarray]:
    return {kind: pictures(saved_files(server, entry, node)) for node, kind in KINDS.items()}


def test_a_picture_wired_later_reruns_nothing(server, headed):
    """Not the maps, and not the film of them; the pictures are those of a node wired at once."""
    succeeded(server.run(headed))
    entry = succeeded(server.run(with_savers(headed)))
    assert cached(entry) == set(headed)
    later = saved(server, entry)
    graph = copy.deepcopy(headed)
    graph[TWIN] = copy.deepcopy(headed[MAPS])
    graph[TWIN]["inputs"]["width"] = SIDE  # the same size, another node to the host's cache
    entry = succeeded(server.run(with_savers(graph, TWIN)))
    assert TWIN not in cached(entry)
    at_once = saved(server, entry)
    for kind, images in later.items():
        assert images.shape == (FRAMES, SIDE, SIDE, 3)
        assert np.array_equal(images, at_once[kind]), kind
    looks_true(**later)


def looks_true(depth, normal, render, mask) -> None:
    inside = mask[..., 0] > 127
    assert inside.any()
    assert (~inside).any()
    assert set(np.unique(mask)) <= {0, 255}
    assert depth[~inside].max() == 0
    assert render[~inside].max() == 0
    assert np.unique(normal[~inside]).tolist() in ([127], [128])
    toward = normal[inside][:, 2]
    assert toward.mean() > 150, "the visible side faces the viewer"
    for images in (depth, normal, render):
        assert images[inside].std() > 5


def test_what_stock_nodes_do_with_a_picture_wired_later(server, headed):
    """Cut, joined, scaled, inverted, previewed: each node reads it as any other IMAGE."""
    succeeded(server.run(headed))
    graph = copy.deepcopy(headed)
    nodes = {
        "cut": ("ImageFromBatch", {"image": [MAPS, DEPTH], "batch_index": 3, "length": 2}),
        "joined": ("ImageBatch", {"image1": [MAPS, DEPTH], "image2": [MAPS, RENDER]}),
        "scaled": (
            "ImageScale",
            {
                "image": [MAPS, NORMAL], "upscale_method": "bilinear", "width": 64, "height": 64,
                "crop": "disabled",
            },
        ),
        "inverted": ("ImageInvert", {"image": [MAPS, RENDER]}),
        "grown": ("InvertMask", {"mask": [MAPS, MASK]}),
    }  # fmt: skip
    for name, (kind, inputs) in nodes.items():
        graph[name] = {"class_type": kind, "inputs": inputs}
    graph["grown image"] = {"class_type": "MaskToImage", "inputs": {"mask": ["grown", 0]}}
    for name in ("cut", "joined", "scaled", "inverted", "grown image"):
        graph[f"{name} saved"] = save_image([name, 0], name)
    graph["seen"] = {"class_type": "PreviewImage", "inputs": {"images": [MAPS, DEPTH]}}
    entry = succeeded(server.run(graph))
    assert set(headed) <= cached(entry)
    seen = pictures(saved_files(server, entry, "seen", kind="temp"))
    cut, joined, scaled, inverted, grown = (
        pictures(saved_files(server, entry, f"{name} saved"))
        for name in ("cut", "joined", "scaled", "inverted", "grown image")
    )
    whole = saved(server, succeeded(server.run(with_savers(headed))))
    assert np.array_equal(seen, whole["depth"])
    assert np.array_equal(cut, whole["depth"][3:5])
    assert np.array_equal(joined, np.concatenate([whole["depth"], whole["render"]]))
    assert scaled.shape == (FRAMES, 64, 64, 3)
    assert np.abs(inverted.astype(int) + whole["render"] - 255).max() <= 1
    assert np.array_equal(grown, 255 - whole["mask"])


def test_cancel_while_a_picture_is_made(server, headed):
    """It ends the run, and the next one has the pictures."""
    graph = changed(changed(headed, LOAD, select_every_nth=1), MAPS, width=1024)
    del graph[SAVE]
    graph["20"] = {"class_type": "PreviewAny", "inputs": {"source": [MAPS, RATE]}}  # runs the maps
    succeeded(server.run(graph))
    graph["21"] = save_image([MAPS, NORMAL], "cancelled")
    prompt_id = server.submit(graph)
    time.sleep(1.5)
    assert prompt_id not in server.get(f"/history/{prompt_id}"), "it ended before the cancel"
    start = time.monotonic()
    server.request("/interrupt", {})
    entry = server.finish(prompt_id, timeout=20)
    assert time.monotonic() - start < 3
    assert MAPS in cached(entry)
    (interrupted,) = messages(entry, "execution_interrupted")
    assert interrupted["node_id"] == "21"
    entry = succeeded(server.run(graph))
    assert cached(entry) == {EXAMPLE, LOAD, HEAD, TRACK, EDIT, MAPS, "20"}
    assert len(saved_files(server, entry, "21")) == 96


@pytest.mark.parametrize("tone", [440.0, None])
def test_sound_and_rate_are_the_drivers(server, headed, act, tone):
    """Of the frames that were used, into a stock node; of a silent clip no sound."""
    name, rate, skipped = f"told{tone}.mp4", 30, 6
    encode(server.base / "input" / name, act[: FRAMES + skipped], rate, tone=tone)
    graph = copy.deepcopy(headed)
    graph[LOAD] = load(name, skip_first_frames=skipped)
    graph[FILM] = {
        "class_type": "CreateVideo",
        "inputs": {"images": [MAPS, DEPTH], "audio": [MAPS, SOUND], "fps": [MAPS, RATE]},
    }
    graph["41"] = save_video([FILM, 0], "told")
    (path,) = saved_files(server, succeeded(server.run(graph)), "41")
    with av.open(str(path)) as film:
        assert sum(1 for _ in film.decode(video=0)) == FRAMES
        assert film.streams.video[0].average_rate == rate
        assert len(film.streams.audio) == (1 if tone else 0)
        if tone:
            length = float(film.streams.audio[0].duration * film.streams.audio[0].time_base)
            assert length == pytest.approx(FRAMES / rate, abs=0.1)
    if tone:
        assert loudest(path) > 0.1
