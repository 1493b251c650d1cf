"""Which device is taken for its name."""

import pytest
import torch

from magicportrait_core.demo import demo_portrait_path
from magicportrait_core.devices import choose_device, core_device
from magicportrait_core.errors import InputError
from magicportrait_core.pipeline import reenact, still, track
from magicportrait_core.preview import FaceSliders


@pytest.mark.parametrize(
    ("name", "cuda", "expected"),
    [("cpu", True, "cpu"), ("cuda", True, "cuda"), ("auto", True, "cuda"), ("auto", False, "cpu")],
)
def test_names(monkeypatch, name, cuda, expected):
    monkeypatch.setattr(torch.cuda, "is_available", lambda: cuda)
    assert choose_device(name) == torch.device(expected)


@pytest.mark.parametrize(
    ("device", "expected"),
    [("cpu", "cpu"), ("cuda:1", "cuda:1"), ("mps", "cpu"), ("xpu:0", "cpu"), ("meta", "cpu")],
)
def test_what_the_core_is_not_tested_on_is_left_to_the_cpu(device, expected):
    assert core_device(device) == torch.device(expected)


def test_an_unknown_device_is_refused():
    with pytest.raises(InputError, match="device must be one of auto, cpu, cuda, got 'tpu'"):
        choose_device("tpu")


def test_missing_cuda_is_refused_before_the_work(monkeypatch, tmp_path, acted_clip):
    monkeypatch.setattr(torch.cuda, "is_available", lambda: False)
    portrait = demo_portrait_path()
    for run in (
        lambda: reenact(portrait, acted_clip, tmp_path / "out.mp4", device="cuda"),
        lambda: track(acted_clip, tmp_path / "a.safetensors", device="cuda"),
        lambda: still(portrait, tmp_path / "a.png", FaceSliders(), device="cuda"),
    ):
        with pytest.raises(InputError, match="No CUDA device"):
            run()
    assert list(tmp_path.iterdir()) == []


def test_cuda_gives_the_same_still(tmp_path):
    if not torch.cuda.is_available():
        pytest.skip("no CUDA device")
    from magicportrait_core.video import open_image

    pictures = []
    for device in ("cpu", "cuda"):
        path = tmp_path / f"{device}.png"
        still(demo_portrait_path(), path, FaceSliders(yaw=10, mouth=0.5), device=device)
        pictures.append(open_image(path).float())
    assert (pictures[0] - pictures[1]).abs().mean() < 0.5
