"""Newer hosts drop what nodes gave while a graph runs, where memory is short.

The server of this file counts memory as short always, so all is dropped behind every node.
"""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import pytest

from tests.comfyui.conftest import ComfyServer, comfyui_path
from tests.comfyui.geometry import LOAD, MAPS, SAVE, SIDE, TRACK, graph_of, load
from tests.comfyui.graphs import cached, decode, encode, save_image, saved_files, succeeded
from tests.comfyui.graphs import pictures as read
from tests.head_folder import fill_models
from tests.small_head import small_head

DEPTH = 1
CLIP = "short.mp4"


@pytest.fixture
def short_of_memory(needs_comfyui, act, tmp_path) -> Iterator[ComfyServer]:
    if "--cache-ram" not in (comfyui_path() / "comfy" / "cli_args.py").read_text():
        pytest.skip("this ComfyUI has no cache that gives memory back")
    options = ("--cache-ram", "9999", "9999")  # GB to keep free
    server = ComfyServer(tmp_path / "base", "ComfyUI-MagicPortrait", link=True, options=options)
    fill_models(server.base / "models", small_head())
    encode(server.base / "input" / CLIP, act[:6])
    yield server
    server.stop()


def test_all_is_dropped_behind_every_node(short_of_memory):
    """A graph still runs to its end, with the pictures it has elsewhere."""
    server, graph = short_of_memory, graph_of(True)
    graph[LOAD] = load(CLIP)
    film = decode(saved_files(server, succeeded(server.run(graph)), SAVE)[0])
    graph["20"] = save_image([MAPS, DEPTH], "depth")
    entry = succeeded(server.run(graph))
    assert not {TRACK, MAPS} & cached(entry), "it kept them: nothing was tested"
    depth = read(saved_files(server, entry, "20"))
    assert len(depth) == len(film) == 6
    assert depth.max() > 100
    left = film[:, -SIDE:, :SIDE]  # where the film shows the depth, which coding blurs
    assert np.abs(left.astype(int) - depth).mean() < 6
