"""Warnings are single lines; bars stay off what is no terminal."""

import json
import subprocess
import sys
import warnings

import torch

from magicportrait_core.cli.console import watched
from magicportrait_core.errors import MagicPortraitWarning
from magicportrait_core.video import VideoWriter, open_video


def test_a_warning_is_one_line(capsys):
    with watched() as progress:
        progress("finding faces", 0, 10)
        warnings.warn("a clip:\n  no face in [0-2]", MagicPortraitWarning, stacklevel=1)
        progress("finding faces", 10, 10)
    captured = capsys.readouterr()
    assert captured.err == "Warning: a clip: no face in [0-2]\n"
    assert captured.out == ""


def test_lost_frames_reach_stderr_and_json(cli, tmp_path, portrait, acted_clip):
    frames = torch.stack([frame.image for frame in open_video(acted_clip)])
    frames[5:7] = 128
    with VideoWriter(tmp_path / "gap.mp4", 512, 512, 24) as writer:
        writer.write(frames)
    result = cli("track", "gap.mp4", "-o", "a.safetensors", "--json")
    assert result.exit_code == 0, result.stderr
    report = json.loads(result.stdout)
    assert report["lost_frames"] == 2
    (message,) = report["warnings"]
    assert "no face found in 2 of 12 frames (5-6" in message
    assert result.stderr == f"Warning: {message}\n"


def test_importing_the_command_line_leaves_torch_alone():
    code = "import sys, magicportrait_core.cli.app; print('torch' in sys.modules)"
    run = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=60)
    assert run.stdout.strip() == "False", run.stderr
