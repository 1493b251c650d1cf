"""Head tracks and maps, as a user types them."""

import inspect
import json
import shutil

import pytest

from magicportrait_core.cli.maps import maps
from magicportrait_core.tracks import kind_of, load_head_track, load_motion
from magicportrait_core.types.motion import GAINS
from magicportrait_core.video import open_video


@pytest.fixture
def folder(tmp_path, acted_clip, acted_head, portrait, small_models, monkeypatch):
    """A clip, its head track, a portrait, and models where no option names them."""
    shutil.copy(acted_clip, tmp_path / "driving.mp4")
    shutil.copy(acted_head, tmp_path / "head.safetensors")
    monkeypatch.setenv("MAGICPORTRAIT_MODELS", str(small_models))
    return tmp_path


def test_track_a_head(cli, folder):
    words = ["--tracker", "auto", "--max-frames", "4", "--plot", "a.png", "--neutral-frame", "0"]
    result = cli("track", "driving.mp4", "-o", "a.safetensors", *words, "--json")
    assert result.exit_code == 0, result.stderr
    report = json.loads(result.stdout)
    assert (report["tracker"], report["head"], report["frames"]) == ("landmark_fit", "small", 4)
    assert report["tracker_why"] in result.stderr
    assert result.stderr.startswith("Tracker: landmark_fit (")
    assert report["more"] == ["a.png"]
    assert (folder / "a.png").is_file()
    assert len(load_head_track(folder / "a.safetensors")) == 4


def test_landmarks_stay_the_default(cli, folder):
    result = cli("track", "driving.mp4", "-o", "a.safetensors", "--max-frames", "3", "--json")
    assert json.loads(result.stdout)["tracker"] is None
    assert result.stderr == ""
    assert kind_of(folder / "a.safetensors") == "landmarks"


def test_maps(cli, folder):
    words = "maps head.safetensors portrait.jpg --driving driving.mp4 --max-frames 6 -o maps.mp4"
    more = "--size 96 --separate --save-motion m.safetensors --jaw 0.5 --mode relative --json"
    result = cli(*words.split(), *more.split(), "--pivot", "head")
    assert result.exit_code == 0, result.stderr
    report = json.loads(result.stdout)
    film = open_video(folder / "maps.mp4")
    assert (film.frame_count, film.width, film.height) == (6, report["width"], report["height"])
    depth = open_video(folder / "maps_depth.mp4")
    assert (depth.width, depth.height) == (96, 96)
    settings = load_motion(folder / "m.safetensors").settings
    assert (settings.jaw, settings.mode, settings.pivot) == (0.5, "relative", "head")
    assert (settings.yaw, settings.gaze) == (1, 0)
    assert "Tracker: landmark_fit (the driver's); head model: small." in result.stderr


def test_every_gain_is_an_option():
    assert set(GAINS) <= set(inspect.signature(maps).parameters)


BAD = {
    "missing track": ("nothing.safetensors -o a.mp4", "nothing.safetensors does not exist"),
    "a clip for a track": ("driving.mp4 -o a.mp4", "driving.mp4 is not a track file"),
    "missing portrait": ("head.safetensors nobody.png -o a.mp4", "nobody.png does not exist"),
    "whole clip": ("head.safetensors -o a.mp4 --driving driving.mp4", "has 12 of 512x512 px"),
    "head": ("head.safetensors -o a.mp4 --head flame2023", "no head model flame2023"),
    "no models": ("head.safetensors -o a.mp4 --models nowhere", "weights download gnm_head"),
    "gain": ("head.safetensors portrait.jpg -o a.mp4 --jaw 9", "gain jaw must be between -4 and 4"),
    "no portrait": ("head.safetensors -o a.mp4 --jaw 0.5", "name the portrait"),
    "suffix": ("head.safetensors -o a.gif", "written to a .mp4 file"),
    "backend": ("head.safetensors -o a.mp4 --backend gl", "--backend"),
    "key frames": ("keys.json -o a.mp4", "keys.json cannot be read"),
    "networks": ("head.safetensors portrait.jpg -o a.mp4 --tracker deca_smirk", "landmark_fit"),
}


@pytest.mark.parametrize(("words", "expected"), BAD.values(), ids=BAD.keys())
def test_bad_input_is_one_sentence(cli, folder, words, expected):
    _check(cli, folder, ["maps", *words.split()], expected)


@pytest.mark.parametrize(
    ("words", "expected"),
    [
        ("--head small", "add --tracker auto"),
        ("--neutral-frame 2", "add --tracker auto"),
        ("--tracker auto --neutral-frame 99", "between 0 and 11"),
        ("--tracker auto --head nobody", "there are small"),
        ("--tracker landmark_fit --models nowhere", "No head model is in"),
        ("--tracker loud", "--tracker"),
    ],
)
def test_bad_tracking_is_one_sentence(cli, folder, words, expected):
    _check(cli, folder, ["track", "driving.mp4", "-o", "a.safetensors", *words.split()], expected)


def _check(cli, folder, words, expected):
    before = {path.name for path in folder.iterdir()}
    result = cli(*words)
    assert result.exit_code == 2, result.stderr
    (line,) = result.stderr.strip().splitlines()
    assert line.startswith("Error: ")
    assert expected in line
    assert {path.name for path in folder.iterdir()} == before


def test_the_portrait_needs_a_face(cli, folder):
    from PIL import Image

    Image.new("RGB", (200, 200), (90, 120, 150)).save(folder / "wall.png")
    _check(cli, folder, ["maps", "head.safetensors", "wall.png", "-o", "a.mp4"], "shows no face")
