"""As many windows as fit, and never none."""

import subprocess
import sys
from pathlib import Path

import pytest
import torch

from magicportrait_core.diffusion.layers.configs import UNetConfig
from magicportrait_core.diffusion.memory import fitting_memory
from magicportrait_core.diffusion.memory.fitting_memory import MOST, fitted_windows, forward_bytes
from magicportrait_core.errors import InputError

GIB = 1 << 30


def fitted(free, length=12, guided=True, size=(64, 64), dtype=torch.float16):
    return fitted_windows(UNetConfig(), length, guided, size, dtype, "cpu", free)


def test_more_memory_more_windows():
    counts = [fitted(gib * GIB) for gib in (0, 2, 8, 16, 24, 80)]
    assert counts == sorted(counts)
    assert counts[0] == 1
    assert counts[1] == 1
    assert 1 < counts[-2] < counts[-1] == MOST


@pytest.mark.parametrize(
    "less", [{"length": 6}, {"guided": False}, {"size": (32, 64)}, {"dtype": torch.float8_e5m2}]
)
def test_half_as_much_work_is_twice_as_many(less):
    assert fitted(20 * GIB) == 3
    assert fitted(20 * GIB, **less) == 6


def test_what_is_taken_is_within_the_share():
    for gib in (16, 24, 40):
        count = fitted(gib * GIB)
        taken = forward_bytes(UNetConfig(), 24 * count, (64, 64), torch.float16)
        assert taken <= fitting_memory.SHARE * gib * GIB


def test_a_device_that_does_not_tell_takes_one(monkeypatch):
    monkeypatch.setattr(fitting_memory, "free_bytes", lambda device: None)
    assert fitted(None) == 1


@pytest.mark.parametrize(("length", "size"), [(0, (8, 8)), (4, (0, 8))])
def test_windows_of_nothing(length, size):
    with pytest.raises(InputError, match="must have frames and pixels"):
        fitted(GIB, length=length, size=size)


MEASURE = """
import torch
from magicportrait_core.bench.measure import peak_mb
from magicportrait_core.diffusion.layers.configs import UNetConfig
from magicportrait_core.diffusion.unet import DenoisingUNet
from magicportrait_core.types import ChunkCondition
torch.set_grad_enabled(False)
unet = DenoisingUNet(UNetConfig((32, 64, 64, 64), cross_attention_dim=32)).eval()
guidance, text = torch.randn(6, 32, 48, 48), torch.randn(1, 77, 32)
x = torch.randn(12, 4, 48, 48)
before = peak_mb()
unet(x, 999, text, [ChunkCondition(guidance, None)] * 2)
print(peak_mb() - before)
"""


@pytest.mark.skipif(sys.platform == "win32", reason="another allocator than was measured")
def test_a_forward_takes_no_more_than_is_said():
    run = subprocess.run(
        [sys.executable, "-c", MEASURE],
        cwd=Path(__file__).resolve().parents[3],
        capture_output=True,
        text=True,
        check=True,
    )
    config = UNetConfig((32, 64, 64, 64), cross_attention_dim=32)
    said = forward_bytes(config, 12, (48, 48), torch.float32) / 2**20
    assert 0.1 * said < float(run.stdout) < said
