"""The MODEL in the host's own process, without a server: the scripts of inside/ measure.

Each script runs once; its numbers are judged here.
"""

from __future__ import annotations

import json
import os
import subprocess
from collections.abc import Callable
from functools import cache
from pathlib import Path

import pytest

from tests.comfyui.conftest import comfyui_path, comfyui_python

HERE = Path(__file__).parent
PACK = HERE.parents[1]


@pytest.fixture(scope="module")
def measure(needs_comfyui, goldens, tmp_path_factory) -> Callable[[str], dict]:
    """What a script of inside/ reports."""

    @cache
    def run(script: str) -> dict:
        done = subprocess.run(
            [
                comfyui_python(),
                HERE / "inside" / f"{script}.py",
                PACK,
                tmp_path_factory.mktemp("x"),
            ],
            cwd=comfyui_path(),
            env={"OMP_NUM_THREADS": "1"} | os.environ | {"MAGICPORTRAIT_GOLDENS": str(goldens)},
            capture_output=True,
            text=True,
            timeout=900,
        )
        assert done.returncode == 0, done.stderr[-4000:]
        (line,) = [line for line in done.stdout.splitlines() if line.startswith("MEASURED ")]
        return json.loads(line.removeprefix("MEASURED "))

    return run


def test_parity(measure):
    """Relative to the reference's own latents after 4 steps of 2 windows."""
    found = measure("parity")
    assert found["guidance"] < 1e-5
    assert found["temporal_denoise"] < 2e-5
    for sampler in ("euler", "ddim", "paper_sampler_euler"):
        assert found[sampler] < 3e-4
    for run in ("seven_steps", "half_denoised"):  # against the core's own sampler
        assert found[run] < 2e-5
    assert found["fp16"] < 5e-3
    assert found["bf16"] < 5e-2
    assert found["smooth_differs"] > 1e-2
    assert found["latent_keys"] == ["audio", "fps"]


def test_a_foreign_model_is_refused(measure):
    assert "not MagicPortrait's" in measure("parity")["foreign"]


def test_windows(measure):
    """Guidance and control pictures are those of the window's frames."""
    found = measure("windows")
    assert found["ours"] < 1e-5
    assert found["control"] < 1e-5
    assert found["control_matters"] > 1e-2
    assert found["pictures_matter"] > 1e-4
    assert found["free"]
    assert len(found["host"]) == 4
    assert max(found["host"].values()) < 1e-5


def test_stock_patches(measure):
    found = measure("patches")
    assert len(found["same"]) == 13
    assert max(found["same"].values()) < 2e-5
    assert min(found["changed"].values()) > 1e-3
    assert found["finite"]
    assert found["easy_cache"] < 1e-5
    places = found["adapter_places"]
    assert [place[2] for place in sorted(places, key=lambda p: p[2])] == list(range(16))
    assert found["adapter_frames"] == [[0, 1, 2], [1, 2, 3]]
    assert found["adapter_total"] == [4]


def test_self_attention_guidance(measure):
    """What it records of a clip in windows is what it records of the windows' own clips."""
    found = measure("attention_guidance")
    assert found["off"] < 2e-5
    assert found["windows"] < 1e-5
    assert min(found["matters"], found["shared"]) > 1e-3
    assert found["finite"]


def test_stock_samplers_and_conditioning(measure):
    found = measure("patches")
    assert found["sampler_custom"] < 1e-6
    assert found["carried"] == [12, 12]
    assert found["ranges"] < 1e-6
    assert found["areas"] > 1e-3
    assert found["whole_area"] < 1e-5
    assert found["kept"] == 0
    assert found["repainted"] > 0.1
    assert found["without_zero_snr"] < 1e-3


def test_memory_management(measure):
    found = measure("loading")
    assert found["cast_when_whole"] == 0
    assert 0.2 < found["cast_when_half"] < 1
    for same in ("half", "half_lora", "bank", "guidance", "reloaded", "lazy"):
        assert found[f"{same}_equal"], same
    assert found["lora_matters"] > 1e-3
    assert found["encoders_loaded"]
    assert not found["eager_needs_them"]


@pytest.mark.parametrize("form", ["kohya", "locon", "peft", "processor", "original"])
def test_lora(measure, form):
    found = measure("loras")
    assert found["ours"][form] < 1e-5
    assert found["matter"][form] > 1e-3
    layers = {"kohya": 4, "original": 1}.get(form, 2)
    assert f"{layers} layers matched, 0 unmatched" in found["reports"][form]
    if form in ("kohya", "locon"):
        assert found["stock"][form] < 1e-5


def test_lora_on_the_reference(measure):
    found = measure("loras")
    assert found["reference"] < 1e-5
    assert found["reference_alone"] < 1e-5
    assert found["reference_matters"] > 1e-3
    assert found["untouched"] == found["strength_0"] == 0
    assert "denoiser: " in found["both"]
    assert "reference: " in found["both"]
    assert "reference is not wired" in found["unwired"]
    assert "fits nothing here" in found["nothing"]
    assert "stock LoRA loader" in found["foreign"]


@pytest.mark.parametrize(
    ("name", "said"),
    [
        ("portrait_size", "64x64 px, depth 64x128"),
        ("maps_size", "wire FLAME Track's portrait_crop output into portrait_crop"),
        ("lengths", "depth 3, normal 4, render 4"),
        ("lengths_maps", "maps 7, depth 4"),
        ("no_maps", "maps is not wired"),
        ("odd", "multiples of 8"),
        ("batch", "portrait_crop must be one picture"),
        ("text", "encode it with the CLIP of a Stable Diffusion 1.5 checkpoint"),
        ("init", "init_frames are 3"),
        ("vae", "wire the VAE of a Stable Diffusion 1.5 checkpoint"),
        ("not_ours", "wire the positive, negative and latent outputs of Face Motion Fusion"),
        ("half_ours", "the negative conditioning is not Face Motion Fusion's"),
        ("other_length", "the latent has 3 frames, the positive conditioning 4"),
        ("other_size", "the latent is 64x64 px, the maps were made for 64x128"),
        ("few_hints", "2 pictures for 4 frames"),
        ("control_lora", "Control-LoRA"),
        ("window", "overlap by 0 to 3 frames"),
    ],
)
def test_refusals(measure, name, said):
    sentence = measure("refusals")[name]
    assert said in sentence
    assert "\n" not in sentence


def test_maps_and_pictures(measure):
    found = measure("refusals")
    assert found["carried"] == ["25", None]
    assert found["mixed"] > 1e-3
    assert found["windows"] == [[12, 4], [12, 1], [16, 3], [3, 2]]


def test_warnings(measure):
    found = measure("refusals")
    warned = {name for name, number in found["warns"].items() if number}
    assert {"karras", "exponential"} <= warned
    assert not warned & {"simple", "normal", "sgm_uniform", "ddim_uniform", "beta"}
    assert "10 of 20 steps" in found["karras"]
    assert not [name for name, told in found["few"].items() if told]
    assert all(len(told) == 1 for told in found["short"].values()), found["short"]
    assert "one of 2 steps 2.0 times as long" in found["short"]["karras 2"][0]
    assert len(found["burnt"]) == 1
    assert "cfg 8 burns" in found["burnt"][0]
    assert found["quiet"] == []


def test_folders_of_extra_model_paths(measure):
    found = measure("choice")
    assert found["folders"] == ["elsewhere/portraits", "models/magicportrait"]
    assert found["heads"] == ["elsewhere/heads", "models/flame"]
    assert found["found"]["reference_unet"] == ["elsewhere/portraits/reference_unet.pth"]
    own = ["motion_module-47360.pth", "denoising_unet.pth"]
    assert found["found"]["denoising_unet"] == [f"models/magicportrait/{name}" for name in own]
    assert found["tuned"]["denoising_unet"][-1] == "elsewhere/portraits/tuned.pth"
    assert found["sizes"]["denoising_unet"] == 1272
    assert found["changed"] == [False, True]


def test_missing_files_in_one_message(measure):
    found = measure("choice")
    assert found["listed_empty"] == ["denoising_unet.pth (not installed)"]
    assert found["nothing"].startswith("6 files")
    for said in ("elsewhere/portraits", "5.25 GB", "huggingface.co", "licence", "if_missing"):
        assert said in found["nothing"]
    assert "choose auto" in found["absent"]
    assert "weights convert" not in found["absent"], "it knows no folder called portraits"
    assert "other.pth is not in" in found["stranger"]


def test_download_of_what_is_missing(measure):
    """All of it, into the first folder; the progress may cancel."""
    found = measure("choice")
    keys = [key for key, folder in found["asked"] if folder == "elsewhere/portraits"]
    parts = ["denoising_unet", "reference_unet"]
    parts += ["guidance_depth", "guidance_normal", "guidance_render", "motion_module"]
    assert keys == [*parts, "denoising_unet"]
    assert found["told"] == 6
    assert found["cancelled"] == "stop"


def test_previews(measure):
    """One picture a step, of the latent's size."""
    assert measure("choice")["previews"] == [[8, 16]] * 3


def test_face_landmarks_of_the_host(measure):
    """Its networks' points replace our own; depth comes from their crop's scale."""
    found = measure("landmarks")
    assert found["off"] < 1e-3 < found["depth"]
    assert found["scores"] == [pytest.approx(0.9526, abs=1e-4)] * 8
    assert "100 x 100 px, the driving clip's are" in found["scaled"]


def test_videos_of_every_kind(measure):
    """Pictures in memory are taken as they are, a trim is kept, sound waits until it is heard."""
    found = measure("videos")
    assert found["created"] == {"even": list(range(12)), "odd": list(range(12))}
    greys, rate, count, seconds = found["cut"]
    assert (greys, rate, count) == ([3, 5, 7, 9, 11], 12, 5)
    assert seconds == pytest.approx(5 / 12, abs=1e-3)
    assert found["start"] == pytest.approx(-1 + 2 * 3 / 24 / 0.5, abs=1e-3)
    assert found["unheard"] == 0
    assert found["heard"] == [1, 22050, 44100]
    if found["trimmed"] is not None:
        ours, theirs, off = found["trimmed"]
        assert ours == theirs == 20
        assert abs(off) < 0.02
    assert found["file"] == 40
    assert found["broken_off"] == 2
    assert found["no_input_folder"] == [True, []]
    assert found["masks"] == [[1, 4, 6], [1, 4, 6], [5, 4, 6], [5, 4, 6]]
    assert "mask has 3 frames, there are 5 to paste" in found["wrong_mask"]


def test_what_is_told_before_and_beside_a_run(measure):
    found = measure("refusals")
    (said,) = found["unheeded"]
    assert "split_conds_to_windows, cond_retain_index_list changes nothing" in said
    assert found["heeded"] == []
    assert [given is True for given in found["queued"]] == [True, True, False, True, False, False]
    assert "overlap must be below window" in found["queued"][2]
