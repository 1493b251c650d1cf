"""The denoiser's bench runs a small network by the sampler's own way."""

import json

import pytest
import torch

from magicportrait_core.bench import denoise
from magicportrait_core.bench.denoise import bench_denoise
from magicportrait_core.diffusion.layers.configs import UNetConfig
from magicportrait_core.diffusion.speed.compiled import compile_blocks
from magicportrait_core.errors import InputError

SMALL = UNetConfig((16, 16, 32, 32), cross_attention_dim=8, heads=4, norm_groups=8, max_frames=8)


@pytest.fixture
def _yardstick(monkeypatch):
    monkeypatch.setattr(denoise, "matmul_seconds", lambda: 0.25)


@pytest.mark.usefixtures("_yardstick")
@pytest.mark.parametrize("dtype", ["float32", "bfloat16"])
def test_both_networks_are_measured(dtype):
    calls, threads = [], torch.get_num_threads()
    found = bench_denoise(
        2, lambda *call: calls.append(call[1:]), size=72, dtype=dtype, threads=1, config=SMALL
    )
    assert list(found["backends"]) == ["as_shipped", "optimized"]
    for figures in (found, *found["backends"].values()):
        assert (figures["frames"], figures["threads"], figures["dtype"]) == (2, 1, dtype)
        assert min(figures[f"{kind}_s_per_forward"] for kind in ("cpu", "wall")) > 0
        cpu = figures["cpu_s_per_forward"]
        assert figures["scaled_cpu_s"] == pytest.approx(cpu * 0.051 / 0.25, abs=1e-3)
        assert figures["peak_mb"] > 10
    assert found["size"] == 72
    assert found["ratio"]["optimized"] > 0
    assert json.loads(json.dumps(found)) == found
    assert calls == [(0, 2), (1, 2), (2, 2)]
    assert torch.get_num_threads() == threads


@pytest.mark.usefixtures("_yardstick")
def test_compiled(monkeypatch):
    monkeypatch.setattr(denoise, "compile_blocks", lambda unet: compile_blocks(unet, "eager"))
    assert "compiled" in bench_denoise(1, size=64, compiled=True, config=SMALL)["backends"]


def test_the_weights_keep_numbers_near_one():
    unet = denoise.random_unet(SMALL, torch.float32, torch.device("cpu"))
    v = denoise._work(unet, 2, 8)(500)
    assert v.shape == (2, 4, 8, 8)
    assert 0.1 < v.std() < 10


@pytest.mark.parametrize(
    ("wrong", "word"),
    [
        ({"size": 32}, "size"),
        ({"frames": 40}, "frames"),
        ({"dtype": "int8"}, "dtype"),
        ({"dtype": "float16"}, "GPU"),
        ({"threads": 0}, "threads"),
    ],
)
def test_what_cannot_run_is_refused(wrong, word):
    with pytest.raises(InputError, match=word):
        bench_denoise(**wrong)


@pytest.mark.skipif(not torch.cuda.is_available(), reason="no GPU")
@pytest.mark.usefixtures("_yardstick")
@pytest.mark.parametrize("dtype", ["float16", "bfloat16"])
def test_on_a_gpu(dtype):
    found = bench_denoise(2, size=64, dtype=dtype, device="cuda", config=SMALL)
    assert found["gpu_peak_mb"] > 0
    assert found["gpu"]
