"""The tracking bench tracks what it made."""

import torch

from magicportrait_core.bench.track import bench_track, swaying


def test_the_bench_measures_a_short_clip():
    figures = bench_track(frames=6)
    assert figures["frames"] == 6
    assert figures["cpu_ms_per_frame"] > 0


def test_the_portrait_sways_smoothly():
    portrait = torch.zeros(3, 64, 64, dtype=torch.uint8)
    portrait[:, 24:40, 24:40] = 255
    frames = swaying(portrait, 0, 6)
    assert frames.shape == (6, 3, 512, 512)
    assert (frames[0] != frames[5]).any()
    assert torch.equal(swaying(portrait, 4, 2), frames[4:])
