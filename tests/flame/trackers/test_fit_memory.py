"""A long clip is fitted in little memory."""

import subprocess
import sys

import pytest

MOST_MB = 1000
#: 500 frames to and fro, again and again: the scene itself takes little memory
FIT = """
from dataclasses import replace
import torch
from magicportrait_core.bench.measure import peak_mb
from magicportrait_core.bench.track import bench_head, seen_head
from magicportrait_core.flame.trackers import LandmarkFit
torch.set_num_threads(1)
seen, rows = seen_head(500), torch.arange(10_000) % 1000
rows = torch.minimum(rows, 999 - rows)
names = ("boxes", "landmarks", "scores", "valid")
faces = replace(seen, **{name: getattr(seen, name)[rows] for name in names})
assert len(LandmarkFit(bench_head()).fit(faces)) == 10_000
print(peak_mb())
"""


@pytest.mark.slow
@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="memory is read from /proc")
def test_ten_thousand_frames():
    done = subprocess.run([sys.executable, "-c", FIT], capture_output=True, text=True, check=True)
    assert float(done.stdout) < MOST_MB
