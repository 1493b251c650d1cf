"""The tracking bench tracks what it made."""

import torch

from magicportrait_core.bench import track
from magicportrait_core.bench.head_model import acting, bench_head
from magicportrait_core.bench.track import bench_track, seen_head, swaying
from magicportrait_core.flame.trackers import TRACKERS, LandmarkFit


def test_the_bench_measures_every_tracker(monkeypatch, quick_yardstick):
    monkeypatch.setattr(track, "WARM_UP", 2)
    monkeypatch.setattr(track, "FEW", 2)
    threads = torch.get_num_threads()
    figures = bench_track(frames=4)
    assert next(iter(figures["backends"])) == figures["backend"] == "landmarks"
    assert set(figures["backends"]) == {"landmarks", *TRACKERS}
    assert {n: f["frames"] for n, f in figures["backends"].items()} == {
        "landmarks": 4, "landmark_fit": 4, "deca_smirk": 2,
    }  # fmt: skip
    assert all(found["cpu_ms_per_frame"] > 0 for found in figures["backends"].values())
    assert torch.get_num_threads() == threads


def test_the_fit_follows_the_head_it_is_shown():
    faces, truth = seen_head(8), acting(8)
    found = LandmarkFit(bench_head(), smoothing=0).fit(faces)
    assert found.params.basis == truth.basis
    turned = truth.global_pose - found.params.global_pose
    assert (turned - turned.mean(0)).norm(dim=1).max() < 0.1  # radians; the neck turns, too


def test_the_portrait_sways_smoothly():
    portrait = torch.zeros(3, 64, 64, dtype=torch.uint8)
    portrait[:, 24:40, 24:40] = 255
    frames = swaying(portrait, 0, 6)
    assert frames.shape == (6, 3, 512, 512)
    assert (frames[0] != frames[5]).any()
    assert torch.equal(swaying(portrait, 4, 2), frames[4:])
