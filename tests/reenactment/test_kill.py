"""Processes that are killed at any moment go on to the same bytes."""

import os
import random
import shutil
import subprocess
import sys
import time
from pathlib import Path

import pytest

from magicportrait_core.demo import demo_portrait_path

ROOT = Path(__file__).resolve().parents[2]
KILLS = 20


def words(folder, models, driving):
    return [
        sys.executable, "-m", "magicportrait_core", "reenact", str(demo_portrait_path()),
        str(driving), "-o", str(folder / "out.mp4"), "--engine", "diffusion", "--device", "cpu",
        "--models", str(models), "--max-frames", "24", "--size", "64", "--steps", "3",
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
def test_killed_runs_go_on_to_the_same_bytes(tmp_path, models, acted_clip):
    began = time.monotonic()
    finished(start(tmp_path / "whole", models, acted_clip))
    took = time.monotonic() - began
    expected = (tmp_path / "whole" / "out.mp4").read_bytes()
    chance, alive, moments = random.Random(5), 0, []
    for number in range(KILLS):
        folder = tmp_path / "killed"
        shutil.rmtree(folder, ignore_errors=True)
        process = start(folder, models, acted_clip)
        try:
            process.wait(timeout=chance.uniform(0.05, 1.0) * took)
        except subprocess.TimeoutExpired:
            alive += 1
        process.kill()
        process.communicate()
        moments.append(moment(folder))
        finished(start(folder, models, acted_clip))
        assert (folder / "out.mp4").read_bytes() == expected, f"run {number}: {moments[-1]}"
        assert not list(folder.glob(".*.part"))
    print("killed at:", *moments, sep="\n")
    assert alive > KILLS // 2, "most runs ended before they were killed"


def moment(folder):
    """What a killed run had done."""
    names = sorted(path.name for path in folder.rglob("*") if path.is_file())
    return f"{len(names)} files: {', '.join(names)}"
