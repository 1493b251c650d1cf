"""`magicportrait weights`, as a user types it."""

import json

import pytest

from magicportrait_core.weights import download
from magicportrait_core.weights.catalog import CATALOG
from magicportrait_core.weights.download import Fetched
from tests.official_files import gnm_arrays, write_gnm


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
    assert report["kind"] == "gnm_head"
    assert report["output"] == str(tmp_path / "elsewhere" / "flame" / "gnm_head.safetensors")


@pytest.mark.parametrize(
    ("words", "error"),
    [
        (["import", "nothing.pkl"], "nothing.pkl does not exist"),
        (["import", "broken.pkl"], "broken.pkl is no pickle"),
        (["import", "gnm_head.npz", "--as", "x"], "gnm_head.npz is no FLAME model"),
        (["import"], "Missing argument"),
        (["download", "deca"], "deca_model.tar"),
        (["download", "nothing"], "must be one of flame2020"),
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


def test_list(cli, gnm):
    cli("weights", "import", gnm, "--models", "models")
    result = cli("weights", "list", "--models", "models")
    assert result.exit_code == 0
    assert "+ gnm_head gnm_head.npz, 53 MB" in result.stdout
    assert "- flame2020 generic_model.pkl, 53 MB" in result.stdout
    rows = json.loads(cli("weights", "list", "--models", "models", "--json").stdout)["files"]
    assert [row["key"] for row in rows] == [entry.key for entry in CATALOG]
    found = {row["key"]: row["found"] for row in rows}
    assert found["gnm_head"].endswith("gnm_head.safetensors")
    assert found["flame2020"] is None
    assert all(row["licence"] and row["address"] and row["folder"] for row in rows)


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
    assert all(name in result.stdout for name in ("import", "list", "download"))


def test_doctor_knows_what_is_here(cli, tmp_path, gnm, monkeypatch):
    monkeypatch.setenv("MAGICPORTRAIT_MODELS", str(tmp_path / "models"))
    before = json.loads(cli("doctor", "--json").stdout)["files"]
    assert not any(file["present"] for file in before)
    cli("weights", "import", gnm)
    after = json.loads(cli("doctor", "--json").stdout)["files"]
    assert [file["name"] for file in after if file["present"]] == ["gnm_head.npz"]
