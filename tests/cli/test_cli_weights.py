"""`magicportrait weights`, as a user types it."""

import json
from pathlib import Path

import numpy as np
import pytest

from magicportrait_core.demo import demo_portrait_path
from magicportrait_core.weights import download
from magicportrait_core.weights.catalog import CATALOG, size_text
from magicportrait_core.weights.download import Fetched
from tests.official_files import gnm_arrays, write_gnm, write_mesh_points


@pytest.fixture
def gnm(tmp_path):
    return write_gnm(tmp_path / "gnm_head.npz", gnm_arrays())


def test_import(cli, tmp_path, gnm):
    result = cli("weights", "import", gnm, "--models", "models")
    assert result.exit_code == 0, result.stderr
    assert "gnm_head.npz: head model gnm_head, 60 vertices" in result.stdout
    assert "licence: Apache-2.0" in result.stdout
    assert (tmp_path / "models" / "flame" / "gnm_head.safetensors").is_file()
    assert gnm.is_file()


def test_import_as_json(cli, tmp_path, gnm, monkeypatch):
    monkeypatch.setenv("MAGICPORTRAIT_MODELS", str(tmp_path / "elsewhere"))
    result = cli("weights", "import", gnm, gnm, "--json")
    (report, again) = json.loads(result.stdout)["imports"]
    assert report == again
    assert json.loads(result.stdout)["errors"] == []
    assert report["kind"] == "gnm_head"
    assert report["output"] == str(tmp_path / "elsewhere" / "flame" / "gnm_head.safetensors")


@pytest.mark.parametrize(
    ("words", "error"),
    [
        (["import"], "Missing argument"),
        (["download", "deca"], "deca_model.tar"),
        (["download", "nothing"], "must be one of flame2020"),
        (["convert"], "8 files of the diffusion models are not in"),
        (["convert", "--dtype", "fp8"], "fp8"),
        (["other"], "No such command"),
    ],
)
def test_bad_input_is_one_sentence(cli, tmp_path, gnm, words, error):
    (tmp_path / "broken.pkl").write_bytes(b"\x80\x02}(")
    models = ["--models", "models"] if words != ["other"] else []
    result = cli("weights", *words, *models)
    assert result.exit_code == 2
    assert error in result.stderr.splitlines()[-1]
    assert "Traceback" not in result.stderr


@pytest.mark.parametrize(
    ("words", "error"),
    [
        (["nothing.pkl"], "nothing.pkl does not exist"),
        (["broken.pkl"], "broken.pkl is no pickle"),
        (["boy.jpeg"], "boy.jpeg is none of the files of `magicportrait weights list`."),
        (["gnm_head.npz", "--as", "x"], "gnm_head.npz is no FLAME model"),
        (["vocab.json", "--as", "vae"], "vocab.json is of the tokenizer, so it cannot be vae."),
        (["."], ". is a folder: name the files in it."),
    ],
)
def test_import_of_a_bad_file(cli, tmp_path, gnm, words, error):
    (tmp_path / "broken.pkl").write_bytes(b"\x80\x02}(")
    (tmp_path / "vocab.json").write_text("{}")
    (tmp_path / "boy.jpeg").write_bytes(demo_portrait_path().read_bytes())
    result = cli("weights", "import", *words, "--models", "models")
    assert result.exit_code == 2
    assert error in result.stderr.splitlines()[-1]
    assert "Traceback" not in result.stderr
    assert not (tmp_path / "models").exists(), "no folder for nothing"


def test_import_goes_on_past_a_bad_file(cli, tmp_path, gnm):
    (tmp_path / "broken.pkl").write_bytes(b"\x80\x02}(")
    result = cli("weights", "import", "broken.pkl", gnm, "--models", "models", "--json")
    assert result.exit_code == 2
    values = json.loads(result.stdout)
    assert [report["kind"] for report in values["imports"]] == ["gnm_head"]
    assert [error["file"] for error in values["errors"]] == ["broken.pkl"]
    assert "broken.pkl is no pickle" in result.stderr


def test_bad_files_between_good_ones_stop_none_of_them(cli, tmp_path, gnm):
    arrays = gnm_arrays()
    folder = tmp_path / "bad"
    folder.mkdir()
    loose = write_gnm(folder / "loose.npz", arrays | {"skinning_weights": np.zeros((4, 60))})
    (folder / "cut.npz").write_bytes(gnm.read_bytes()[:5000])
    write_mesh_points(tmp_path / "points.npz")
    given = [gnm, loose, folder / "cut.npz", folder / "none.pkl", tmp_path / "points.npz"]
    result = cli("weights", "import", *given, "--models", "models")
    assert result.exit_code == 2
    told = result.stderr.splitlines()
    assert len(told) == 3
    for line, words in zip(
        told, ("loose.npz has skinning weights", "cut.npz is no whole numpy", "none.pkl does not"),
        strict=True,
    ):  # fmt: skip
        assert line.startswith("Error: ")
        assert words in line
    made = {path.name for path in (tmp_path / "models" / "flame").iterdir()}
    assert made == {"gnm_head.safetensors", "flame_mesh_points.safetensors"}
    assert "gnm_head.npz: head model gnm_head" in result.stdout
    assert "points.npz: " in result.stdout


def test_import_goes_on_past_a_file_that_the_system_refuses(cli, tmp_path, gnm, monkeypatch):
    from magicportrait_core.model_files import importing

    real = importing.import_any

    def refused(path, *given, **named):
        if path.name == "locked.pkl":
            raise PermissionError(13, "Permission denied", str(path))
        return real(path, *given, **named)

    monkeypatch.setattr(importing, "import_any", refused)
    result = cli("weights", "import", "locked.pkl", gnm, "--models", "models", "--json")
    assert result.exit_code == 2
    values = json.loads(result.stdout)
    assert [report["kind"] for report in values["imports"]] == ["gnm_head"]
    assert "locked.pkl" in values["errors"][0]["error"]


def test_as_says_what_one_file_is(cli, gnm):
    result = cli("weights", "import", gnm, gnm, "--as", "flame2023", "--models", "models")
    assert result.exit_code == 2
    assert "--as says what one file is, not 2" in result.stderr


def test_list(cli, gnm, tmp_path):
    cli("weights", "import", gnm, "--models", "models")
    result = cli("weights", "list", "--models", "models")
    assert result.exit_code == 0
    size = size_text((tmp_path / "models" / "flame" / "gnm_head.safetensors").stat().st_size)
    assert f"+ gnm_head gnm_head.npz, {size} as gnm_head.safetensors:" in result.stdout
    assert "- flame2020 generic_model.pkl, 53 MB:" in result.stdout
    assert "- flame2020 generic_model.pkl, 53 MB" in result.stdout
    rows = json.loads(cli("weights", "list", "--models", "models", "--json").stdout)["files"]
    assert [row["key"] for row in rows] == [entry.key for entry in CATALOG]
    found = {row["key"]: row["found"] for row in rows}
    assert found["gnm_head"].endswith("gnm_head.safetensors")
    assert found["flame2020"] is None
    assert all(row["licence"] and row["address"] and row["folder"] for row in rows)
    assert "! here, but it cannot be used" in result.stdout
    command = f'`magicportrait weights download diffusion --models "{tmp_path}/models"`'
    assert f"All that the diffusion models need: run {command}" in result.stdout


def test_list_of_damaged_and_raw_files(cli, tmp_path):
    flame = tmp_path / "models" / "flame"
    flame.mkdir(parents=True)
    (flame / "generic_model.pkl").write_bytes(b"\x80\x02}q")
    (flame / "head_template.obj").write_text("v 0 0 0\nvt 0 0\n")
    (flame / "deca_model.tar").write_bytes(b"no checkpoint" * 9)
    shown = cli("weights", "list", "--models", "models").stdout
    assert "! flame2020 generic_model.pkl" in shown
    assert "its end is missing" in shown
    assert "~ flame_uv head_template.obj" in shown
    assert "! deca deca_model.tar" in shown
    assert "deca_model.tar is no pickle of arrays" in shown


def test_tiny_models_through_every_command(cli, tmp_path):
    made = cli("weights", "make-tiny", "models", "--json")
    assert made.exit_code == 0, made.stderr
    assert len(json.loads(made.stdout)["files"]) == 8
    again = cli("weights", "make-tiny", "models")
    assert again.exit_code == 2
    assert "is there already" in again.stderr
    listed = json.loads(cli("weights", "list", "--models", "models", "--json").stdout)["files"]
    states = {row["key"]: row["state"] for row in listed}
    assert states["denoising_unet"] == states["vae"] == "here"
    (unet,) = (row for row in listed if row["key"] == "denoising_unet")
    assert unet["bytes"] == Path(unet["found"]).stat().st_size, "not the catalogue's"
    assert states["sd15_text_encoder"] == "served"
    converted = cli("weights", "convert", "--models", "models", "--dtype", "bf16")
    assert converted.exit_code == 0, converted.stderr
    assert "magicportrait_bf16.safetensors: 2214 tensors, bf16, 23.5 MB" in converted.stdout
    assert "from motion_module-47360.pth (denoising_unet); licence: Apache-2.0" in converted.stdout
    checked = cli("weights", "verify", "--models", "models", "--json")
    assert checked.exit_code == 0
    assert len(json.loads(checked.stdout)["files"]) == 9
    folder = tmp_path / "models" / "magicportrait"
    (folder / "reference_unet.pth").write_bytes(
        (folder / "guidance_encoder_depth.pth").read_bytes()
    )
    bad = cli("weights", "verify", folder / "reference_unet.pth", "--models", "models")
    assert bad.exit_code == 1
    assert "! bad" in bad.stdout
    assert "holds a guidance encoder, where a reference UNet should be" in bad.stdout


def test_verify_an_empty_folder(cli):
    result = cli("weights", "verify", "--models", "models")
    assert result.exit_code == 0
    assert "no files of weights" in result.stdout


def test_download_of_the_whole_set(cli, tmp_path, monkeypatch):
    """The tiny files have other sizes than the paper's: the first is refused and not kept."""
    cli("weights", "make-tiny", "hub")
    source = tmp_path / "hub" / "magicportrait"

    def fetch(remote, revision, work, progress):
        path = work / "guidance_encoder_depth.pth"
        path.write_bytes((source / path.name).read_bytes())
        return Fetched(path, "0" * 40, None)

    monkeypatch.setattr(download, "fetch", fetch)
    result = cli("weights", "download", "diffusion", "--models", "models")
    assert result.exit_code == 2
    assert "7 files, about 9.56 GB to download for the diffusion models" in result.stderr
    assert "Licence: Apache-2.0" in result.stderr
    assert "has other sizes than the paper's network: it was not kept" in result.stderr
    assert not (tmp_path / "models" / "magicportrait" / "guidance_encoder_depth.pth").exists()
    cli("weights", "make-tiny", "models")
    result = cli("weights", "download", "diffusion", "--models", "models")
    assert result.exit_code == 0
    assert "Nothing to download" in result.stderr


def test_download_converts(cli, tmp_path, gnm, monkeypatch):
    data = gnm.read_bytes()

    def fetch(remote, revision, work, progress):
        path = work / "gnm_head.npz"
        path.write_bytes(data)
        return Fetched(path, revision, None)

    monkeypatch.setattr(download, "fetch", fetch)
    refused = cli("weights", "download", "gnm_head", "--models", "models")
    assert refused.exit_code == 2
    assert "has sha256" in refused.stderr
    monkeypatch.setattr(download, "_check", lambda *args: "not looked at")
    result = cli("weights", "download", "gnm_head", "--models", "models")
    assert result.exit_code == 0, result.stderr
    assert "licence Apache-2.0" in result.stderr
    names = {p.name for p in (tmp_path / "models" / "flame").iterdir()}
    assert {"gnm_head.npz", "gnm_head.safetensors"} <= names


@pytest.mark.parametrize("words", [[], ["--help"], ["-h"]])
def test_help(cli, words):
    result = cli("weights", *words)
    assert result.exit_code == 0
    assert all(
        name in result.stdout
        for name in ("import", "list", "download", "verify", "convert", "make-tiny")
    )


def test_doctor_knows_what_is_here(cli, tmp_path, gnm, monkeypatch):
    monkeypatch.setenv("MAGICPORTRAIT_MODELS", str(tmp_path / "models"))
    before = json.loads(cli("doctor", "--json").stdout)["files"]
    assert not any(file["present"] for file in before)
    cli("weights", "import", gnm)
    after = json.loads(cli("doctor", "--json").stdout)["files"]
    named = json.loads(cli("doctor", "--models", "elsewhere", "--json").stdout)
    assert named["models"] == "elsewhere"
    assert named["files"] == before
    folder = Path("elsewhere").absolute()
    assert f'`magicportrait weights list --models "{folder}"`' in named["engine"]["why"]
    assert [file["name"] for file in after if file["present"]] == ["gnm_head.npz"]
