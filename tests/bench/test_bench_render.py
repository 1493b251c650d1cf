"""The render benches draw the head they made, with every backend."""

import json

import pytest
import torch

from magicportrait_core.bench import maps, rasterizer
from magicportrait_core.bench.maps import bench_maps
from magicportrait_core.bench.rasterizer import bench_rasterizer
from magicportrait_core.render.rasterizer import installed_backends


@pytest.mark.parametrize("bench", [bench_rasterizer, bench_maps])
def test_the_bench_measures_every_backend(bench, monkeypatch, quick_yardstick):
    monkeypatch.setattr(rasterizer, "SIDE", 48)
    monkeypatch.setattr(maps, "SIDE", 48)
    calls = []
    threads = torch.get_num_threads()
    figures = bench(2, progress=lambda *call: calls.append(call[1:]))
    assert list(figures["backends"]) == installed_backends()
    assert figures["backend"] == "torch"
    for name, backend in figures["backends"].items():
        assert backend["frames"] == (1 if name in rasterizer.FEW else 2)
        assert backend["threads"] == 1
        assert min(backend[key] for key in ("cpu_ms_per_frame", "peak_mb", "matmul_s")) > 0
    assert figures["cpu_ms_per_frame"] == figures["backends"]["torch"]["cpu_ms_per_frame"]
    assert list(figures["ratio"]) == installed_backends()[1:]
    assert figures["ratio"]["plain"] > 1
    assert json.loads(json.dumps(figures)) == figures
    assert calls[0] == (0, len(figures["backends"]))
    assert calls[-1] == (len(figures["backends"]),) * 2
    assert torch.get_num_threads() == threads
