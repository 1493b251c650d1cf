"""A run that is stopped at any moment goes on to the same bytes, at the cost of one window."""

import json
from dataclasses import replace
from pathlib import Path

import pytest
import torch

from magicportrait_core.diffusion.unet import DenoisingUNet
from magicportrait_core.errors import InputError, NoFaceError
from magicportrait_core.reenactment import networks as networks_module
from magicportrait_core.reenactment import run as run_module
from magicportrait_core.reenactment.lock import only_run_in
from magicportrait_core.reenactment.runs import SETUP
from tests.reenactment.conftest import FRAMES, SETTINGS, STEPS, WINDOWS


class Stop:
    """A progress callback that raises at the nth report."""

    def __init__(self, after):
        self.left = after

    def __call__(self, stage, done, total):
        self.left -= 1
        if self.left < 0:
            raise KeyboardInterrupt


@pytest.fixture
def quick(monkeypatch):
    """Networks are loaded once, and their forwards counted."""
    kept, calls = {}, []
    load, forward = run_module.open_networks, DenoisingUNet.forward

    def once(files, settings, device, portrait):
        key = portrait.numpy().tobytes()
        if key not in kept:
            kept[key] = load(files, settings, device, portrait)
        return kept[key]

    def counted(self, *args, **kwargs):
        calls.append(1)
        return forward(self, *args, **kwargs)

    monkeypatch.setattr(run_module, "open_networks", once)
    monkeypatch.setattr(DenoisingUNet, "forward", counted)
    assert networks_module.open_networks is load
    return calls


def test_stopped_at_every_moment(tmp_path, reenact, whole, quick):
    """One run that is stopped over and over, each time one report further."""
    output, stops, after = tmp_path / "out.mp4", 0, 0
    while True:
        try:
            report = reenact(output, resume=True, progress=Stop(after))
            break
        except KeyboardInterrupt:
            stops += 1
            after += 1
            assert not output.exists()
    assert output.read_bytes() == whole
    assert report.frames == FRAMES
    assert stops > FRAMES + STEPS * WINDOWS
    assert len(quick) == STEPS * WINDOWS  # none was computed twice: it is kept before it is told


@pytest.mark.parametrize("solver", ["dpm++2m", "euler", "lcm"])
def test_solvers_go_on(tmp_path, reenact, quick, solver):
    pytest.importorskip("diffusers", reason="diffusers is not installed")
    sampling = replace(SETTINGS.sampling, solver=solver, steps=3)
    settings = replace(SETTINGS, sampling=sampling)
    reenact(tmp_path / "whole.mp4", settings)
    whole, total = (tmp_path / "whole.mp4").read_bytes(), len(quick)
    reports = []
    reenact(
        tmp_path / "whole.mp4", settings, progress=lambda stage, *_: reports.append(stage)
    )  # fmt: skip
    first = reports.index("denoising")
    for after in range(first, first + 6, 2):
        quick.clear()
        folder = tmp_path / f"run{after}"
        with pytest.raises(KeyboardInterrupt):
            reenact(tmp_path / "out.mp4", settings, run_folder=folder, progress=Stop(after))
        reenact(tmp_path / "out.mp4", settings, run_folder=folder, resume=True)
        assert (tmp_path / "out.mp4").read_bytes() == whole
        assert len(quick) == total


def test_only_the_window_that_was_computed_is_lost(tmp_path, reenact, whole, quick, monkeypatch):
    real = DenoisingUNet.forward

    def broken(self, *args, **kwargs):
        if len(quick) == 2:
            raise KeyboardInterrupt
        return real(self, *args, **kwargs)

    monkeypatch.setattr(DenoisingUNet, "forward", broken)
    with pytest.raises(KeyboardInterrupt):
        reenact(tmp_path / "out.mp4")
    monkeypatch.setattr(DenoisingUNet, "forward", real)
    reenact(tmp_path / "out.mp4", resume=True)
    assert (tmp_path / "out.mp4").read_bytes() == whole
    assert len(quick) == STEPS * WINDOWS


def failing(*_, **__):
    raise NoFaceError("nothing to see.")


def test_an_error_before_the_tracking_leaves_no_folder(tmp_path, reenact, monkeypatch):
    monkeypatch.setattr(run_module, "find_motion", failing)
    with pytest.raises(NoFaceError, match=r"^nothing to see\.$"):
        reenact(tmp_path / "out.mp4")
    assert list(tmp_path.iterdir()) == []


def test_an_error_after_the_tracking_says_where_the_work_is(tmp_path, reenact, monkeypatch):
    monkeypatch.setattr(run_module, "open_networks", failing)
    with pytest.raises(NoFaceError) as error:
        reenact(tmp_path / "out.mp4")
    folder = tmp_path / "out.mp4.run"
    assert str(error.value) == (
        f"nothing to see. What is done is kept in {folder}: --resume goes on from there."
    )
    assert list(tmp_path.iterdir()) == [folder]


def test_a_stop_before_the_tracking_leaves_nothing(tmp_path, reenact):
    with pytest.raises(KeyboardInterrupt):
        reenact(tmp_path / "out.mp4", progress=Stop(0))
    assert list(tmp_path.iterdir()) == []


def test_two_runs_in_one_folder(tmp_path, reenact):
    with only_run_in(tmp_path / "out.mp4.run"):
        with pytest.raises(InputError, match=r"Another run is at work in .*out\.mp4\.run: wait"):
            reenact(tmp_path / "out.mp4")
    assert list(tmp_path.iterdir()) == []


def test_a_finished_run_says_so_and_decodes_again(tmp_path, reenact, whole, quick):
    folder, output = tmp_path / "run", tmp_path / "out.mp4"
    report = reenact(output, run_folder=folder)
    assert report.more == (folder,)
    said = json.loads((folder / SETUP).read_text())
    assert said["finished"] == {
        "output": str(output.resolve()), "frames": FRAMES, "bytes": len(whole),
    }  # fmt: skip
    output.unlink()
    quick.clear()
    reenact(output, run_folder=folder, resume=True)
    assert output.read_bytes() == whole
    assert not quick


def test_another_setup_is_named_and_refused(tmp_path, reenact, whole, quick, monkeypatch):
    folder, output = tmp_path / "run", tmp_path / "out.mp4"
    other = replace(SETTINGS, sampling=replace(SETTINGS.sampling, seed=7))
    reenact(output, other, run_folder=folder)
    with pytest.raises(InputError, match=r"settings\.sampling\.seed is 42 now, was 7"):
        reenact(output, run_folder=folder, resume=True)
    monkeypatch.setattr(torch, "get_num_threads", lambda: 77)
    with pytest.raises(InputError, match=r"machine\.threads is 77 now"):
        reenact(output, other, run_folder=folder, resume=True)
    monkeypatch.undo()
    reenact(output, run_folder=folder)  # from the beginning
    assert output.read_bytes() == whole


def test_inputs_are_told_apart_by_what_is_in_them(tmp_path, reenact, acted_clip, quick):
    clip = tmp_path / "driving.mp4"
    clip.write_bytes(Path(acted_clip).read_bytes())
    folder = tmp_path / "run"
    reenact(tmp_path / "out.mp4", driving=clip, run_folder=folder)
    clip.write_bytes(clip.read_bytes() + b"\0")
    with pytest.raises(InputError, match=r"inputs\.driving is"):
        reenact(tmp_path / "out.mp4", driving=clip, run_folder=folder, resume=True)
