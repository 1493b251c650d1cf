"""The bench of posing poses one head in every way."""

import json
from importlib.util import find_spec

import pytest
import torch

from magicportrait_core.bench import flame
from magicportrait_core.bench.flame import bench_flame, vertices_plain, vertices_smplx
from magicportrait_core.bench.head_model import NUM_EXPRESSION, NUM_SHAPE, acting, bench_head


def test_the_bench_measures_every_way(monkeypatch, quick_yardstick):
    monkeypatch.setattr(flame, "REPEATS", 1)
    threads = torch.get_num_threads()
    figures = bench_flame(frames=2)
    assert list(figures["backends"])[:2] == ["planar", "plain"]
    assert figures["backend"] == "planar"
    assert set(figures["ratio"]) == set(figures["backends"]) - {"planar"}
    assert all(found["frames"] == 2 for found in figures["backends"].values())
    assert json.loads(json.dumps(figures)) == figures
    assert torch.get_num_threads() == threads


def test_the_head_has_flames_sizes():
    head = bench_head()
    assert head.faces.shape == (9976, 3)
    assert (len(head.shape_basis), len(head.expression_basis)) == (NUM_SHAPE, NUM_EXPRESSION)
    assert len(head.joints) == 5
    torch.testing.assert_close(head.skinning.sum(0), torch.ones(head.num_vertices))
    assert bench_head().basis == head.basis


def test_all_ways_give_the_same_head():
    head, params = bench_head(), acting(3)
    fast = head.vertices(params)
    moved = (fast - head.template.T).norm(dim=-1)
    assert 0.01 < moved.max() < 0.2  # metres: it does turn
    torch.testing.assert_close(vertices_plain(head, params), fast, rtol=0, atol=1e-6)


@pytest.mark.skipif(not find_spec("smplx"), reason="smplx is not installed")
def test_smplx_gives_the_same_head():
    head, params = bench_head(), acting(3)
    torch.testing.assert_close(
        vertices_smplx(head, params), head.vertices(params), rtol=0, atol=1e-6
    )
