"""What would keep a machine busy for ever is refused within seconds, in one sentence."""

from __future__ import annotations

import json
import re
import subprocess
import sys
from pathlib import Path

import pytest

from tests.weights import bombs

ROOT = Path(__file__).resolve().parents[2]
SECONDS = 5.0
PICKLES = {f"{name}.pkl": (data, says) for name, data, says in bombs.pickles()}
CHECKPOINTS = {name: (write, says) for name, write, says in bombs.checkpoints()}
SAYS = {name: says for name, (_, says) in (PICKLES | CHECKPOINTS).items()}


@pytest.fixture(scope="module")
def answers(tmp_path_factory) -> dict[str, dict]:
    """What was said of each file, by a process of its own: one that would hang is ended."""
    folder = tmp_path_factory.mktemp("bombs")
    for name, (data, _) in PICKLES.items():
        (folder / name).write_bytes(data)
    for name, (write, _) in CHECKPOINTS.items():
        write(folder / name)
    command = [sys.executable, "-m", "tests.weights.bombs", *(str(folder / name) for name in SAYS)]
    try:
        out = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=150).stdout
    except subprocess.TimeoutExpired as stopped:
        out = (stopped.stdout or b"").decode()
    rows = [json.loads(line) for line in out.splitlines()]
    return {row["file"]: row for row in rows}


@pytest.mark.parametrize("name", SAYS)
def test_it_is_refused_within_seconds(answers, name):
    assert name in answers, f"reading ended or hung after {list(answers)[-1:]}"
    answer = answers[name]
    assert re.match(rf"{re.escape(name)}\W.*({SAYS[name]})", answer["said"]), answer["said"]
    assert "\n" not in answer["said"]
    assert len(answer["said"]) < 400
    assert answer["seconds"] < SECONDS
