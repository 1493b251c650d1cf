"""The drawing bench draws a close portrait."""

import torch

from magicportrait_core.bench.preview import FACE_SHARE, bench_preview, close_portrait
from magicportrait_core.demo import demo_portrait_path
from magicportrait_core.faces.networks import load_networks
from magicportrait_core.faces.tracker import track_image
from magicportrait_core.video import open_image


def test_the_bench_measures_a_short_act(quick_yardstick):
    threads = torch.get_num_threads()
    figures = bench_preview(frames=4)
    assert (figures["frames"], figures["threads"]) == (4, 1)
    assert figures["cpu_ms_per_frame"] > 0
    assert (figures["backend"], figures["ratio"]) == ("preview", {})
    assert torch.get_num_threads() == threads


def test_the_face_fills_the_picture():
    networks, shipped = load_networks(), open_image(demo_portrait_path())
    close = close_portrait(shipped, track_image(shipped, networks))
    assert close.shape == (3, 512, 512)
    x0, y0, x1, y1 = track_image(close, networks).boxes[0].tolist()
    assert abs(max(x1 - x0, y1 - y0) / 512 - FACE_SHARE) < 0.05
