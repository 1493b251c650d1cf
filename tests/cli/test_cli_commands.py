"""Good runs: what is written, what is printed where."""

import json
from importlib import import_module

import numpy as np
import pytest
from PIL import Image

from magicportrait_core import __version__
from magicportrait_core.bench.measure import summary
from magicportrait_core.cli import maps, options
from magicportrait_core.engines import ENGINES
from magicportrait_core.faces.selection import CHOICES
from magicportrait_core.model_files.head_models import TRACKER_CHOICES
from magicportrait_core.preview import MODES
from magicportrait_core.render import BACKEND_NAMES
from magicportrait_core.render.maps import DEPTH_RANGES
from magicportrait_core.render.maps import MODES as MAPS_MODES
from magicportrait_core.tracks import load_track
from magicportrait_core.types.motion import MODES as TRANSFER_MODES
from magicportrait_core.types.motion import PIVOTS
from magicportrait_core.video import open_video
from magicportrait_core.video.codecs import OUTPUT_CODECS


def test_reenact_writes_and_reports(cli, tmp_path, portrait, acted_clip):
    words = ["--max-frames", "4", "--pose", "0.5", "--mode", "absolute_mouth", "--mirror"]
    result = cli("reenact", portrait, acted_clip, "-o", "out.mp4", *words)
    assert result.exit_code == 0, result.stderr
    clip = open_video(tmp_path / "out.mp4")
    assert (clip.frame_count, clip.width, clip.height, clip.fps) == (4, 512, 512, 24)
    assert "out.mp4: 4 frames" in result.stdout
    (line,) = result.stderr.strip().splitlines()
    assert line.startswith("Engine: preview (the diffusion engine's weights are not all in")


def test_json_is_all_of_stdout(cli, tmp_path, portrait, acted_clip):
    words = ["--json", "--max-frames", "3", "--engine", "preview", "--codec", "ffv1"]
    result = cli("reenact", portrait, acted_clip, "-o", "out.mkv", *words)
    report = json.loads(result.stdout)
    assert report["output"] == "out.mkv"
    assert report["engine"] == "preview"
    assert (report["frames"], report["fps_exact"], report["lost_frames"]) == (3, "24", 0)
    assert set(report["seconds"]) == {"opening", "portrait", "tracking", "rendering"}
    assert report["warnings"] == []


def test_a_track_drives_as_its_clip_does(cli, tmp_path, portrait, acted_clip):
    made = cli("track", acted_clip, "-o", "a.safetensors", "--plot", "a.png", "--fps", "24/1")
    assert made.exit_code == 0, made.stderr
    assert len(load_track(tmp_path / "a.safetensors")) == 12
    assert Image.open(tmp_path / "a.png").width > 1000
    for driving, name in ((acted_clip, "clip.mkv"), ("a.safetensors", "track.mkv")):
        result = cli("reenact", portrait, driving, "-o", name, "--codec", "ffv1")
        assert result.exit_code == 0, result.stderr
    pairs = zip(open_video(tmp_path / "clip.mkv"), open_video(tmp_path / "track.mkv"), strict=True)
    assert all((a.image == b.image).all() for a, b in pairs)


def test_still(cli, tmp_path, portrait):
    result = cli("still", portrait, "-o", "posed.png", "--yaw", "-12", "--smile", "0.5", "--json")
    assert result.exit_code == 0, result.stderr
    assert json.loads(result.stdout)["fps"] is None
    change = np.subtract(Image.open(tmp_path / "posed.png"), Image.open(portrait), dtype=np.int16)
    assert np.abs(change[40:200, 140:320]).mean() > 5  # the head
    assert np.abs(change[300:, :]).mean() < 1


def test_demo(cli, tmp_path):
    result = cli("demo", "--frames", "8", "--json")
    assert result.exit_code == 0, result.stderr
    written = {p.name for p in (tmp_path / "demo").iterdir()}
    assert written == {"driving.mp4", "out.mp4", "contact_sheet.png"}
    assert json.loads(result.stdout)["frames"] == 8
    assert "Smoke demo" in result.stderr


def test_doctor_names_what_is_missing(cli):
    result = cli("doctor")
    assert result.exit_code == 0
    for words in ("torch", "preview", "attention mesh", "Apache-2.0", "flame.is.tue.mpg.de"):
        assert words in result.stdout
    assert json.loads(cli("doctor", "--json").stdout)["engine"]["name"] == "preview"


def test_doctor_names_what_could_track_a_head(cli, small_models, monkeypatch):
    monkeypatch.setenv("MAGICPORTRAIT_MODELS", str(small_models))
    found = json.loads(cli("doctor", "--json").stdout)
    assert found["heads"] == ["small"]
    assert found["models"] == str(small_models)
    assert {t["name"]: t["ready"] for t in found["trackers"]} == {
        "deca_smirk": False, "landmark_fit": True,
    }  # fmt: skip
    shown = cli("doctor").stdout
    for words in (
        "head models    small",
        "+ landmarks",
        "+ landmark_fit: on small",
        "- deca_smirk",
    ):
        assert words in shown


@pytest.mark.parametrize("subject", ["preview", "flame", "rasterizer", "maps", "track"])
def test_bench_prints_the_figures(cli, subject, monkeypatch):
    """Of each subject by the same keys; what is timed is tested with the benches."""
    one = {"frames": 3, "threads": 1, "cpu_ms_per_frame": 2.5, "wall_ms_per_frame": 3.0}
    figures = summary({n: {**one, "peak_mb": 9.5, "matmul_s": 0.2} for n in ("first", "second")})
    module = import_module(f"magicportrait_core.bench.{subject}")
    asked = []

    def timed(progress, **given):
        asked.extend(given.items())
        return figures

    monkeypatch.setattr(module, f"bench_{subject}", timed)
    assert json.loads(cli("bench", subject, "--frames", 3, "--json").stdout) == figures
    assert asked == [("frames", 3)]
    head, first, second, yardstick = cli("bench", subject).stdout.splitlines()
    assert asked == [("frames", 3)]  # its own number
    assert "cpu_ms_per_frame" in head
    assert first.split() == ["first", "2.5", "3", "9.5", "3", "1", "1"]
    assert second.startswith("second")
    assert "matmul_s 0.2" in yardstick


def test_bench_of_the_denoiser_has_options_of_its_own(cli, monkeypatch):
    figures = {"cpu_s_per_forward": 2.5, "peak_mb": 9.5, "frames": 4, "matmul_s": 0.2, "ratio": {}}
    figures["backends"] = {"as_shipped": figures.copy()}
    module, asked = import_module("magicportrait_core.bench.denoise"), {}
    monkeypatch.setattr(
        module, "bench_denoise", lambda progress, **given: asked.update(given) or figures
    )
    options = {"--size": 128, "--dtype": "bfloat16", "--threads": 1, "--device": "cpu"}
    words = [word for pair in options.items() for word in pair]
    head, row, _ = cli("bench", "denoise", *words, "--compile").stdout.splitlines()
    assert list(asked.values()) == [*options.values(), True]
    assert head.split() == ["cpu_s_per_forward", "peak_mb", "frames", "times"]
    assert row.split() == ["as_shipped", "2.5", "9.5", "4", "1"]
    assert cli("bench", "maps", "--size", 128).exit_code == 2


def test_bench_times_for_real(cli):
    figures = json.loads(cli("bench", "flame", "--frames", 2, "--json").stdout)
    wanted = {"cpu_ms_per_frame", "wall_ms_per_frame", "peak_mb", "matmul_s"}
    assert all(figures[name] > 0 for name in wanted)
    assert figures["ratio"]["plain"] > 0


@pytest.mark.parametrize("words", [[], ["--help"], ["-h"]])
def test_help_lists_every_command(cli, words):
    result = cli(*words)
    assert result.exit_code == 0
    for command in ("reenact", "track", "maps", "still", "demo", "doctor", "bench"):
        assert command in result.stdout


def test_version(cli):
    assert cli("--version").stdout == f"magicportrait {__version__}\n"


@pytest.mark.parametrize(
    ("offered", "known"),
    [
        (options.Engine, ENGINES),
        (options.Face, CHOICES),
        (options.Mode, MODES),
        (options.Codec, OUTPUT_CODECS),
        (options.Tracker, TRACKER_CHOICES),
        (maps.MapsMode, MAPS_MODES),
        (maps.DepthRange, DEPTH_RANGES),
        (maps.Mode, TRANSFER_MODES),
        (maps.Pivot, PIVOTS),
        (maps.Backend, BACKEND_NAMES),
    ],
)
def test_choices_are_those_of_the_core(offered, known):
    assert [choice.value for choice in offered] == list(known)
