"""Processes that are killed at any moment go on to the same bytes."""

import os
import random
import shutil
import subprocess
import sys
import time
from pathlib import Path

import pytest

from magicportrait_core.demo import demo_portrait_path, render_demo_driver

ROOT = Path(__file__).resolve().parents[2]
KILLS = 20
FRAMES = 28  #: 3 windows
#: how far a run is when it may be killed, told from what its folder holds
MILESTONES = (
    "run/run.json",
    "run/tracked.json",
    "run/windows/step_0001_window_000001.safetensors",
    "run/windows/step_0002_window_000002.safetensors",
    "run/windows/step_0003_window_000001.safetensors",
    ".out.mp4.*.part",
)
LATER = 0.5  #: seconds after that, at most


def words(folder, models, driving):
    return [
        sys.executable, "-m", "magicportrait_core", "reenact", str(demo_portrait_path()),
        str(driving), "-o", str(folder / "out.mp4"), "--engine", "diffusion", "--device", "cpu",
        "--models", str(models), "--size", "64", "--steps", "4",
        "--run-folder", str(folder / "run"), "--resume",
    ]  # fmt: skip


def start(folder, models, driving):
    folder.mkdir(exist_ok=True)
    return subprocess.Popen(
        words(folder, models, driving), cwd=ROOT, stdout=subprocess.PIPE, stderr=subprocess.PIPE,
        env={**os.environ, "PYTHONPATH": str(ROOT), "OMP_NUM_THREADS": "1"}, text=True,
    )  # fmt: skip


def finished(process):
    out, err = process.communicate(timeout=600)
    assert process.returncode == 0, err
    return out


@pytest.mark.slow
@pytest.mark.skipif(sys.platform == "win32", reason="Windows has no SIGKILL")
def test_killed_runs_go_on_to_the_same_bytes(tmp_path, models, networks):
    driving = tmp_path / "driving.mp4"
    render_demo_driver(driving, networks, frames=FRAMES)
    finished(start(tmp_path / "whole", models, driving))
    expected = (tmp_path / "whole" / "out.mp4").read_bytes()
    chance, moments, folder = random.Random(5), [], tmp_path / "killed"
    while len(moments) < KILLS:
        shutil.rmtree(folder, ignore_errors=True)
        process = start(folder, models, driving)
        wait_for(folder, MILESTONES[len(moments) % len(MILESTONES)], process)
        time.sleep(chance.uniform(0, LATER))
        alive = process.poll() is None
        process.kill()
        process.communicate()
        if not alive:
            continue
        moments.append(moment(folder))
        finished(start(folder, models, driving))
        assert (folder / "out.mp4").read_bytes() == expected, f"killed at {moments[-1]}"
        assert not list(folder.glob("**/.*.part"))
    print("killed at:", *moments, sep="\n")


def wait_for(folder, milestone, process):
    deadline = time.monotonic() + 300
    while not list(folder.glob(milestone)) and process.poll() is None:
        assert time.monotonic() < deadline
        time.sleep(0.01)


def moment(folder):
    """What a killed run had done."""
    names = sorted(path.name for path in folder.rglob("*") if path.is_file())
    return f"{len(names)} files: {', '.join(names)}"
