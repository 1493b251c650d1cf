"""`reenact --engine diffusion`: options reach the engine, and those of the other are refused."""

import json
import sys

import pytest

from magicportrait_core.cli import diffusion_options as dif
from magicportrait_core.cli.options import Mode
from magicportrait_core.diffusion.checkpoints.tiny_models import make_tiny
from magicportrait_core.diffusion.context_windows import PRESETS
from magicportrait_core.diffusion.solvers.choice import SOLVERS
from magicportrait_core.errors import InputError
from magicportrait_core.faces.framing import CROPS
from magicportrait_core.motion.choice import MOTION_TRACKERS
from magicportrait_core.preview import MotionSettings
from magicportrait_core.reenactment.runs import TRACKED, RunFolder
from magicportrait_core.reenactment.settings import DTYPES, LORA_TARGETS
from magicportrait_core.render.maps import MODES

SMALL = ("--engine", "diffusion", "--device", "cpu", "--max-frames", "3", "--size", "64",
         "--steps", "1")  # fmt: skip


@pytest.mark.parametrize(
    ("options", "core"),
    [
        (dif.Preset, PRESETS), (dif.Solver, SOLVERS), (dif.Dtype, DTYPES), (dif.Crop, CROPS),
        (dif.LoraFor, LORA_TARGETS), (dif.MapsMode, MODES), (dif.MotionTracker, MOTION_TRACKERS),
    ],
)  # fmt: skip
def test_choices_are_the_cores(options, core):
    assert {option.value for option in options} == set(core)


def test_it_writes_and_says_what_ran(cli, tmp_path, portrait, acted_clip):
    make_tiny(tmp_path / "models")
    given = ("reenact", portrait, acted_clip, "-o", "out.mp4", "--models", "models", *SMALL)
    result = cli(*given, "--json", "--run-folder", "run", "--previews")
    assert result.exit_code == 0, result.stderr
    report = json.loads(result.stdout)
    assert (report["engine"], report["tracker"]) == ("diffusion", "landmarks_only")
    assert (report["frames"], report["width"], report["more"]) == (3, 64, ["run"])
    assert "Warning: The maps are approximate" in result.stderr
    assert "Tracker: landmarks_only (no head model is here)." in result.stderr
    assert "Warning: The diffusion engine takes long on a CPU: 3 frames in windows of" in (
        result.stderr
    )
    assert "The preview engine (--engine preview) is fast." in result.stderr
    assert "denoising_unet.pth (float16), reference_unet.pth (float16)" in result.stderr
    assert {"file": "prompt.safetensors", "dtype": "float32", "parts": ["text"]} in (
        report["weights"]
    )
    assert report["dtype"] == "float32"
    again = cli(*given, "--run-folder", "run", "--resume", "--seed", "1")
    assert again.exit_code == 2
    assert "settings.sampling.seed is 1 now, was 42" in again.stderr


@pytest.mark.parametrize(
    ("words", "said"),
    [
        ("--engine preview --steps 4 --resume", "--steps, --resume: only the diffusion engine"),
        ("--lora a.safetensors", "--lora: only the diffusion engine takes that, and preview runs"),
        ("--engine diffusion --models models --mirror", "has no mirrored driver"),
        (
            "--engine diffusion --models models --mode absolute_mouth",
            "a mode of the preview engine",
        ),
        ("--engine diffusion --models models --reference-mode --preset smooth", "--preset paper"),
        ("--engine diffusion --models models --lora-for both", "name one with --lora"),
        ("--engine diffusion --models models --denoise 0.5", "go together"),
    ],
)
def test_what_contradicts_is_refused(cli, tmp_path, portrait, acted_clip, words, said):
    if "models" in words:
        make_tiny(tmp_path / "models")
    result = cli("reenact", portrait, acted_clip, "-o", "out.mp4", *words.split())
    assert result.exit_code == 2
    assert said in " ".join(result.stderr.split())
    assert not list(tmp_path.glob("out.mp4*"))


@pytest.mark.parametrize("error", [KeyboardInterrupt, RuntimeError])
def test_whoever_is_stopped_is_told_how_to_go_on(tmp_path, capsys, monkeypatch, error):
    words = ["reenact", "a b.jpg", "d.mp4", "-o", "out.mp4", "--resume"]
    monkeypatch.setattr(sys, "argv", ["magicportrait", *words])
    run = RunFolder.begin(tmp_path / "out.mp4.run", {}, resume=False)
    with pytest.raises(error), dif.resumable(tmp_path / "out.mp4", None):
        raise error
    assert capsys.readouterr().err == "", "nothing is done yet"
    run.file(TRACKED).touch()
    with pytest.raises(error), dif.resumable(tmp_path / "out.mp4", None):
        raise error
    assert capsys.readouterr().err == (
        f"What is done is kept in {run.path}. Go on with: magicportrait reenact 'a b.jpg' d.mp4 -o "
        "out.mp4 --resume\n"
    )


def test_gains_become_a_transfer():
    settings = dif.diffusion_settings({}, MotionSettings(0.5, 0.8, 0.5, 1.5, mode="relative"), None)
    transfer = settings.transfer
    assert (transfer.yaw, transfer.pitch, transfer.roll, transfer.expression) == (
        0.5,
        0.5,
        0.5,
        0.8,
    )
    assert (transfer.jaw, transfer.eyelids) == pytest.approx((0.4, 1.2))
    assert transfer.mode == "absolute"
    assert (
        dif.diffusion_settings({}, MotionSettings(), Mode.relative.value).transfer.mode
        == "relative"
    )
    with pytest.raises(InputError, match="gain of the brows"):
        dif.diffusion_settings({}, MotionSettings(brows=0.5), None)
