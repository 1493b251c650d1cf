"""Head models as users have them: dropped in raw, damaged, in folders of their own."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from tests.comfyui.graphs import cached, failure, messages, succeeded
from tests.head_folder import fill_models
from tests.official_files import flame_content, write_flame, write_landmarks, write_template
from tests.small_head import small_head

PACK = Path(__file__).resolve().parents[2]
HEAD, TRACK, SAVE = "1", "2", "3"


@pytest.fixture
def folder(server) -> Path:
    """models/flame, empty."""
    path = server.base / "models" / "flame"
    shutil.rmtree(path, ignore_errors=True)
    path.mkdir(parents=True)
    yield path
    shutil.rmtree(path)


def graph(**inputs) -> dict:
    """A head and a track with it, whose crop is saved."""
    given = {"head": "auto", "tracker_weights": "auto", "if_missing": "explain"} | inputs
    return {
        HEAD: {"class_type": "MagicPortraitHeadLoader", "inputs": given},
        "9": {"class_type": "MagicPortraitExample", "inputs": {}},
        TRACK: {
            "class_type": "FLAMETrack",
            "inputs": {
                "driving": ["9", 1], "portrait": ["9", 0], "head": [HEAD, 0], "tracker": "auto",
                "crop": "auto", "crop_scale": 1.0, "size": 256, "smoothing": 0.5,
            },
        },
        SAVE: {
            "class_type": "SaveImage",
            "inputs": {"images": [TRACK, 0], "filename_prefix": "crop"},
        },
    }  # fmt: skip


def offered(server) -> list[str]:
    info = server.get("/object_info/MagicPortraitHeadLoader")["MagicPortraitHeadLoader"]
    return info["input"]["required"]["head"][1]["options"]


def test_raw_files_are_converted_on_first_use(server, folder, goldens):
    write_flame(folder / "generic_model.pkl", flame_content(goldens))
    write_landmarks(folder / "landmark_embedding.npy", goldens)
    write_template(folder / "head_template.obj", goldens)
    assert "flame2020_generic" in offered(server)
    prompt = graph(head="flame2020_generic")
    succeeded(server.run(prompt))
    made = {path.name for path in folder.glob("*.safetensors")}
    assert made == {
        "flame2020_generic.safetensors", "flame_landmarks.safetensors", "flame_uv.safetensors",
    }  # fmt: skip
    assert (folder / "generic_model.pkl").exists()
    said = [
        line for line in server.log().splitlines() if "landmark_fit on flame2020_generic" in line
    ]
    assert "no network of DECA or SMIRK" in said[-1]
    entry = succeeded(server.run(prompt))
    assert cached(entry) == set(prompt), "converting is no change"


def test_a_damaged_file_says_what_is_wrong(server, folder):
    (folder / "generic_model.pkl").write_bytes(b"no pickle at all" * 100)
    sentence = failure(server, graph(head="flame2020_generic"), HEAD)
    assert "generic_model.pkl" in sentence
    assert "register at" not in sentence, "it is there, and to be replaced"


def test_a_tracker_without_its_files(server, folder):
    fill_models(folder.parent, small_head())
    sentence = failure(server, graph(tracker_weights="deca_smirk"), HEAD)
    assert "generic_model.pkl" in sentence


def test_a_face_that_no_head_can_be_laid_on(server, folder):
    """FLAME without its landmark files: which ones, and from where."""
    fill_models(folder.parent, small_head())
    (folder / "flame_landmarks.safetensors").unlink()
    (error,) = messages(server.run(graph()), "execution_error")
    assert error["node_id"] == TRACK
    assert "landmark" in error["exception_message"]


def test_folders_of_extra_model_paths(run_in_comfyui, tmp_path):
    fill_models(tmp_path / "elsewhere", small_head())
    yaml = tmp_path / "extra.yaml"
    yaml.write_text(f"mine:\n  base_path: {tmp_path}/elsewhere\n  flame: flame\n")
    out = run_in_comfyui(f"""
import asyncio, importlib, importlib.util, sys
sys.argv = ["main.py", "--cpu", "--base-directory", {str(tmp_path / "base")!r}]
import comfy.options; comfy.options.enable_args_parsing()
import utils.install_util, execution, server, utils.extra_config
utils.extra_config.load_extra_path_config({str(yaml)!r})
root = {str(PACK)!r}
spec = importlib.util.spec_from_file_location(
    "pack", root + "/__init__.py", submodule_search_locations=[root])
sys.modules["pack"] = pack = importlib.util.module_from_spec(spec)
spec.loader.exec_module(pack)
folders = importlib.import_module("pack.nodes.model_files.head_folders")
found = folders.find_head("auto", "auto", lambda *a: None)
print("FOUND", found.head.name, found.folder[0])
print("OFFERED", folders.head_options()[:2])
""")
    assert f"FOUND small {tmp_path}/elsewhere/flame" in out
    assert "OFFERED ['auto', 'small']" in out
