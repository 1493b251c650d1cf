"""Each bad input gets one sentence and exit code 2, and nothing is written."""

import errno
from fractions import Fraction
from pathlib import Path

import av
import numpy as np
import pytest
import torch
from PIL import Image

from magicportrait_core.video import VideoWriter


def _faceless(path):
    with VideoWriter(path, 96, 96, 25) as writer:
        ramp = torch.linspace(0, 255, 96).to(torch.uint8).expand(1, 3, 96, 96)
        for _ in range(6):
            writer.write(ramp)


def _sound_only(path):
    with av.open(str(path), "w") as container:
        stream = container.add_stream("aac", rate=16000, layout="mono")
        frame = av.AudioFrame.from_ndarray(np.zeros((1, 1024), np.float32), "fltp", "mono")
        frame.sample_rate, frame.time_base, frame.pts = 16000, Fraction(1, 16000), 0
        container.mux(stream.encode(frame))
        container.mux(stream.encode(None))


@pytest.fixture
def folder(tmp_path, acted_clip, portrait):
    """Good and bad files side by side."""
    (tmp_path / "driving.mp4").write_bytes(acted_clip.read_bytes())
    (tmp_path / "text.mp4").write_text("Dear video player,\nI am a letter.\n" * 40)
    (tmp_path / "empty.mp4").touch()
    _faceless(tmp_path / "faceless.mp4")
    _sound_only(tmp_path / "sound.mp4")
    Image.open(portrait).resize((20, 20)).save(tmp_path / "tiny.png")
    Image.new("RGB", (200, 200), (90, 120, 150)).save(tmp_path / "wall.png")
    (tmp_path / "track.safetensors").write_bytes(b"no track")
    return tmp_path


def _contents(folder):
    return {p.relative_to(folder): p.read_bytes() for p in folder.rglob("*") if p.is_file()}


BAD = {
    "missing portrait": ("nobody.png driving.mp4 -o out.mp4", "nobody.png does not exist"),
    "missing clip": ("portrait.jpg nothing.mp4 -o out.mp4", "nothing.mp4 does not exist"),
    "empty file": ("portrait.jpg empty.mp4 -o out.mp4", "empty.mp4 is empty"),
    "text": ("portrait.jpg text.mp4 -o out.mp4", "text.mp4 cannot be read as a video"),
    "portrait is text": ("text.mp4 driving.mp4 -o out.mp4", "text.mp4 is not a picture"),
    "sound only": ("portrait.jpg sound.mp4 -o out.mp4", "sound.mp4 has no video stream"),
    "zero frames": (
        "portrait.jpg driving.mp4 -o out.mp4 --start 60",
        "No frame of driving.mp4 is left",
    ),
    "end first": ("portrait.jpg driving.mp4 -o out.mp4 --start 1 --end 0.5", "end must be after"),
    "no face in portrait": ("wall.png driving.mp4 -o out.mp4", "wall.png shows no face"),
    "no face in clip": (
        "portrait.jpg faceless.mp4 -o out.mp4",
        "no frame of faceless.mp4 shows a face",
    ),
    "tiny portrait": ("tiny.png driving.mp4 -o out.mp4", "tiny.png is 20x20 px"),
    "no folder": ("portrait.jpg driving.mp4 -o no/out.mp4", "folder no does not exist"),
    "wrong suffix": ("portrait.jpg driving.mp4 -o out.avi", "written to a .mp4 file"),
    "over the input": ("portrait.jpg driving.mp4 -o driving.mp4", "is an input of this run"),
    "unknown engine": ("portrait.jpg driving.mp4 -o out.mp4 --engine magic", "--engine"),
    "unknown mode": (
        "portrait.jpg driving.mp4 -o out.mp4 --mode odd",
        "'--mode': 'odd' is not one of",
    ),
    "unknown codec": ("portrait.jpg driving.mp4 -o out.mp4 --codec vhs", "--codec"),
    "unknown device": ("portrait.jpg driving.mp4 -o out.mp4 --device toaster", "--device"),
    "unknown face": ("portrait.jpg driving.mp4 -o out.mp4 --face loudest", "--face"),
    "unknown option": ("portrait.jpg driving.mp4 -o out.mp4 --wobble 3", "--wobble"),
    "not a number": (
        "portrait.jpg driving.mp4 -o out.mp4 --pose much",
        "'--pose': must be a number",
    ),
    "gain": ("portrait.jpg driving.mp4 -o out.mp4 --pose 3", "gain pose must be between 0 and 2"),
    "gain is nan": ("portrait.jpg driving.mp4 -o out.mp4 --eyes nan", "gain eyes must be"),
    "smoothing": ("portrait.jpg driving.mp4 -o out.mp4 --smoothing 2", "smoothing must be"),
    "fps": ("portrait.jpg driving.mp4 -o out.mp4 --fps fast", "--fps must be a number"),
    "stride": ("portrait.jpg driving.mp4 -o out.mp4 --stride 0", "stride must be"),
    "face index": ("portrait.jpg driving.mp4 -o out.mp4 --face index --face-index 3", "shows 1"),
    "neutral frame": ("portrait.jpg driving.mp4 -o out.mp4 --neutral-frame 99", "neutral_frame"),
    "diffusion": ("portrait.jpg driving.mp4 -o out.mp4 --engine diffusion", "use --engine preview"),
    "no track": ("portrait.jpg track.safetensors -o out.mp4", "is not a track file"),
    "no output": ("portrait.jpg driving.mp4", "--output"),
}


@pytest.mark.parametrize(("words", "expected"), BAD.values(), ids=BAD.keys())
def test_reenact(cli, folder, words, expected):
    _check(cli, folder, ["reenact", *words.split()], expected)


OTHERS = {
    "track: suffix": ("track driving.mp4 -o track.mp4", "written as .safetensors"),
    "track: plot suffix": ("track driving.mp4 -o a.safetensors --plot a.gif", "written as .png"),
    "track: no folder": ("track driving.mp4 -o no/a.safetensors", "folder no does not exist"),
    "track: no face": ("track faceless.mp4 -o a.safetensors", "shows a face"),
    "still: range": ("still portrait.jpg -o a.png --yaw 80", "yaw must be between -25 and 25"),
    "still: suffix": ("still portrait.jpg -o a.mp4", "written as .png or .jpg"),
    "still: no face": ("still wall.png -o a.png", "shows no face"),
    "demo: folder": ("demo -o no/where", "cannot be made"),
    "bench: subject": ("bench lunch", "lunch"),
    "unknown command": ("paint", "No such command"),
}


@pytest.mark.parametrize(("words", "expected"), OTHERS.values(), ids=OTHERS.keys())
def test_other_commands(cli, folder, words, expected):
    _check(cli, folder, words.split(), expected)


@pytest.mark.parametrize("name", ["portrait.jpg", "driving.mp4"])
def test_unreadable_file(cli, folder, monkeypatch, name):
    def refuse(path, *mode):  # as the system does to who may not read; root may read everything
        if Path(path).name == name:
            raise PermissionError(errno.EACCES, "Permission denied", str(path))
        return open(path, *mode)

    monkeypatch.setattr("magicportrait_core.video.container.open", refuse, raising=False)
    words = ["reenact", "portrait.jpg", "driving.mp4", "-o", "out.mp4"]
    _check(cli, folder, words, f"{name} cannot be read: Permission denied")


def test_a_track_is_not_trimmed_again(cli, folder):
    words = ["reenact", "portrait.jpg", "track.safetensors", "-o", "out.mp4", "--end", "1"]
    _check(cli, folder, words, "when it is made")


def _check(cli, folder, words, expected):
    before = _contents(folder)
    result = cli(*words)
    assert result.exit_code == 2, result.stderr
    (line,) = result.stderr.strip().splitlines()
    assert line.startswith("Error: ")
    assert expected in line
    assert result.stdout == ""
    assert _contents(folder) == before


def test_by_a_process_of_its_own(start, folder):
    process = start("reenact", "portrait.jpg", "text.mp4", "-o", "out.mp4", folder=folder)
    out, err = process.communicate(timeout=120)
    assert process.returncode == 2
    assert out == ""
    assert "text.mp4 cannot be read" in err
    assert "Traceback" not in err
    assert not (folder / "out.mp4").exists()
