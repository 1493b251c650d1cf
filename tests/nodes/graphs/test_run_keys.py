"""One key for what is fed alike, and another for what is not."""

from __future__ import annotations

import copy
import importlib

import pytest

GRAPH = {
    "1": {"class_type": "Load", "inputs": {"file": "a.mp4", "rate": 24}},
    "2": {"class_type": "Track", "inputs": {"driving": ["1", 0], "smoothing": 0.5}},
    "3": {"class_type": "Edit", "inputs": {"track": ["2", 1], "yaw": 1, "keys": [0, 1]}},
}


@pytest.fixture
def key(pack):
    """The key of a node, node 3's by default, of GRAPH with some inputs changed."""
    keys = importlib.import_module(f"{pack.__name__}.nodes.graphs.run_keys").RunKeys

    def of(changes=None, node="3", graph=GRAPH, **how):
        graph = copy.deepcopy(graph)
        for place, inputs in (changes or {}).items():
            graph[place]["inputs"].update(inputs)
        return keys(graph).of(node, **how)

    return of


def test_what_is_fed_alike_has_one_key(key):
    renamed = {"a:1": GRAPH["1"], "b": copy.deepcopy(GRAPH["2"])}
    renamed["b"]["inputs"]["driving"] = ["a:1", 0]
    assert key(node="b", graph=renamed) == key(node="2")
    assert key({"1": {"rate": 24.0}, "3": {"yaw": 1.0}}) == key()
    assert len(key()) == 64


@pytest.mark.parametrize(
    "changes",
    [
        {"1": {"file": "b.mp4"}},
        {"1": {"rate": 24.5}},
        {"2": {"driving": ["1", 1]}},
        {"3": {"yaw": 0.9}},
        {"3": {"keys": [0, 2]}},
        {"3": {"more": True}},
    ],
)
def test_what_is_not_has_another(key, changes):
    assert key(changes) != key()


def test_own_settings_may_be_left_out(key):
    plain = key(settings=False)
    assert key({"3": {"yaw": 0.9}}, settings=False) == plain
    assert key({"2": {"smoothing": 0.4}}, settings=False) != plain
    assert plain != key()


@pytest.mark.parametrize(
    "graph",
    [
        {},
        {"3": 7},
        {"3": {"class_type": "Edit"}},
        {"3": {"class_type": "Edit", "inputs": {"track": ["3", 0]}}},
        {
            "2": {"class_type": "Edit", "inputs": {"track": ["3", 0]}},
            "3": {"class_type": "Edit", "inputs": {"track": ["2", 0]}},
        },
    ],
)
def test_what_is_no_graph_has_none(key, graph):
    assert key(graph=graph) is None
