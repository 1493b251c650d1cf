"""Models split over several folders, as extra_model_paths.yaml names them, in a real server."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from dataclasses import replace

import pytest
import torch

from magicportrait_core.diffusion.checkpoints.tiny_models import make_tiny
from magicportrait_core.flame.library.regressor_files import regressor_file, save_regressor
from tests.comfyui.conftest import ComfyServer
from tests.comfyui.graphs import succeeded
from tests.comfyui.test_head_files import TRACK, graph
from tests.head_folder import fill_models
from tests.small_head import small_head

LOADER, SHOWN = "20", "21"
YAML = """
first:
  base_path: {base}/disk1
  flame: heads
  magicportrait: portraits
second:
  base_path: {base}/disk2
  flame: heads
  magicportrait: |
    nothing
    portraits
"""


@pytest.fixture(scope="module")
def split_server(needs_comfyui, tmp_path_factory) -> Iterator[ComfyServer]:
    """One head in models/flame, its landmarks and networks elsewhere; the denoiser in three."""
    top = tmp_path_factory.mktemp("split")
    base, made = top / "comfy", top / "made"
    own, first, second = base / "models", top / "disk1", top / "disk2"
    head = fill_models(made, replace(small_head(), name="flame2020_generic"))
    make_tiny(made)
    parts = made / "magicportrait"
    places = {
        own / "flame": [head / "flame2020_generic.safetensors"],
        second / "heads": [head / "flame_landmarks.safetensors"],
        own / "magicportrait": [parts / "motion_module-47360.pth"],
        first / "portraits": [parts / "denoising_unet.pth", *parts.glob("guidance_*.pth")],
        second / "portraits": [parts / "reference_unet.pth"],
    }
    (top / "extra.yaml").write_text(YAML.format(base=top))

    def fill() -> None:
        for folder, files in places.items():
            folder.mkdir(parents=True, exist_ok=True)
            for file in files:
                shutil.copy(file, folder)
        for network, disk in (("deca", first), ("smirk", second)):
            (disk / "heads").mkdir(exist_ok=True)
            path = disk / "heads" / regressor_file(network)
            save_regressor(path, network, {"a": torch.zeros(1)}, {})

    options = ("--extra-model-paths-config", str(top / "extra.yaml"))
    server = ComfyServer(base, "ComfyUI-MagicPortrait", link=True, options=options)
    fill()
    yield server
    server.stop()


def loaded() -> dict:
    """The model loader with everything auto, and something that takes its model."""
    encoders = [f"guidance_encoder_{kind}" for kind in ("depth", "normal", "render")]
    names = dict.fromkeys(("model", "reference_unet", "motion_module", *encoders), "auto")
    inputs = names | {"dtype": "auto", "if_missing": "explain"}
    return {
        LOADER: {"class_type": "MagicPortraitModelLoader", "inputs": inputs},
        SHOWN: {"class_type": "PreviewAny", "inputs": {"source": [LOADER, 0]}},
    }


def test_a_head_apart_from_its_networks(split_server):
    """They are found, and so are the landmarks that the head is fitted by."""
    prompt = graph()
    prompt[TRACK]["inputs"]["tracker"] = "landmark_fit"
    succeeded(split_server.run(prompt))
    assert "no network of DECA or SMIRK" not in split_server.log()
    assert "tracker deca_smirk: its networks and its head model are here" in split_server.log()


def test_a_denoiser_in_parts(split_server):
    succeeded(split_server.run(loaded()))


def test_the_badge_counts_all_folders(split_server):
    state = split_server.get("/magicportrait/weights")
    assert state["model"]["summary"] == "6 of 6 files installed"
    assert state["head"]["ready"]
    files = {file["key"]: file["present"] for file in state["head"]["files"]}
    assert files["deca"]
    assert files["smirk"]
    assert files["flame_landmarks"]
