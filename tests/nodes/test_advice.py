"""What messages say inside ComfyUI, where there is no command `magicportrait`."""

from __future__ import annotations

import ast
import importlib
import re
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
NODES = ROOT / "nodes"


@pytest.fixture
def core(pack):
    """core("weights.catalog"): a module of the core, as it is inside ComfyUI."""

    def module(name: str):
        return importlib.import_module(f"{pack.__name__}.magicportrait_core.{name}")

    return module


def test_nodes_download_what_they_can(core, tmp_path):
    catalog = core("weights.catalog")
    head = catalog.entry_of("gnm_head").how_to_get(tmp_path / "heads")
    assert "set if_missing to download on Load Head Model and press Run again, or take it" in head
    parts = catalog.how_to_get_all(["reference_unet", "guidance_depth"], tmp_path / "portraits")
    assert (
        "set if_missing to download on Load MagicPortrait Model and press Run again, or put"
        in parts
    )
    for text in (head, parts):
        assert "magicportrait weights" not in text


def test_what_no_node_downloads_is_a_command_of_this_python(core, tmp_path):
    text = core("weights.catalog").entry_of("sd15_unet").how_to_get(tmp_path / "magicportrait")
    program = f"{sys.executable} {ROOT / 'magicportrait_core' / 'cli'}"
    assert f'`{program} weights download sd15_unet --models "{tmp_path}"`, or take it' in text


def test_files_are_dropped_into_their_folder(core, tmp_path):
    library, errors = core("flame.library.library"), core("errors")
    (tmp_path / "deca_model.tar").touch()
    with pytest.raises(errors.InputError) as error:
        library.open_regressor(tmp_path, "deca")
    assert str(error.value) == (
        f"deca_model.tar is not converted yet: put it, as it was downloaded, into {tmp_path}: it "
        "is converted when it is used."
    )
    (tmp_path / "flame2020_generic.safetensors").write_bytes(b"no head at all")
    with pytest.raises(errors.InputError) as error:
        core("flame.library.files").load_head(tmp_path / "flame2020_generic.safetensors")
    assert (
        "delete it and put generic_model.pkl of https://flame.is.tue.mpg.de/download.php, as it "
        f"was downloaded, into {tmp_path}"
    ) in str(error.value)


def test_where_files_come_from_is_on_a_help_page(core, tmp_path):
    (tmp_path / "thing.npy").write_bytes(b"no array")
    head_models = core("model_files.head_models")
    said = [tracker.why for tracker in head_models.tracker_states(tmp_path)]
    assert said == ["no head model is here, the help page of Load Head Model says where they come "
                    "from"] * 2  # fmt: skip
    assert "generic_model.pkl" in (ROOT / "web/docs/MagicPortraitHeadLoader.md").read_text()


def test_the_nodes_are_called_so(core):
    advice = core("weights.advice")
    for file, name in (
        ("head_loader", advice.HEAD_LOADER), ("model_loader", advice.MODEL_LOADER),
    ):  # fmt: skip
        assert f'display_name="{name}"' in (ROOT / f"nodes/{file}.py").read_text()


def test_what_the_papers_tracker_needs(core, tmp_path):
    """All of its files, and nothing of another head model."""
    choice, errors = core("motion.choice"), core("errors")

    def refusal() -> str:
        with pytest.raises(errors.InputError) as error:
            choice.choose_motion_tracker("deca_smirk", None, tmp_path)
        return str(error.value)

    assert refusal() == (
        "deca_smirk tracks FLAME 2020 generic and lacks generic_model.pkl (register at "
        "https://flame.is.tue.mpg.de), landmark_embedding.npy and deca_model.tar "
        "(https://github.com/yfeng95/DECA), SMIRK_em1.pt (https://github.com/georgeretsi/smirk): "
        f"put them, as they were downloaded, into {tmp_path}. landmark_fit takes any head model."
    )
    (tmp_path / "deca_model.tar").touch()
    assert "deca_model.tar" not in refusal()
    (tmp_path / "generic_model.pkl").touch()
    assert "generic_model.pkl, which is here, could not be read" in refusal()


@pytest.mark.parametrize("key", ["flame2020", "flame2023", "gnm_head"])
def test_a_head_names_what_it_needs_once(core, key):
    entry = core("weights.catalog").entry_of(key)
    said = entry.how_to_get(Path("models/flame"))
    assert said.count(entry.name) == 1
    assert ("landmark_embedding.npy and head_template.obj" in said) is key.startswith("flame")
    assert ("Licence: FLAME's own, for each" in said) is key.startswith("flame")
    assert len(said) < 360


def test_a_failed_download_is_tried_again_where_it_failed(core, monkeypatch, tmp_path):
    hub = pytest.importorskip("huggingface_hub")

    def broken(self, *_, **__):
        raise OSError("no route to host")

    monkeypatch.setattr(hub.HfApi, "model_info", broken)
    with pytest.raises(core("errors").InputError, match=r"\(no route to host\): press Run again"):
        core("weights.download").download("gnm_head", tmp_path)


def test_messages_and_pages_call_nodes_by_their_titles():
    """Who reads them sees no ids."""
    ids = re.findall(r'node_id="(\w+)"', "".join(p.read_text() for p in NODES.rglob("*.py")))
    assert len(ids) > 10
    spoken = [
        (path.name, node.value)
        for path in NODES.rglob("*.py")
        for node in ast.walk(ast.parse(path.read_text()))
        if isinstance(node, ast.Constant) and isinstance(node.value, str) and " " in node.value
    ]
    spoken += [(path.name, path.read_text()) for path in (ROOT / "web" / "docs").glob("*.md")]
    named = rf"\b({'|'.join(ids)})\b(?!\.md)"
    assert [(file, found) for file, text in spoken for found in re.findall(named, text)] == []
