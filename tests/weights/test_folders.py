"""Where models lie."""

import sys
from pathlib import Path

import pytest

from magicportrait_core.errors import InputError
from magicportrait_core.weights import folders
from magicportrait_core.weights.folders import (
    comfyui_models,
    find_file,
    folder_list,
    folder_names,
    kind_folder,
    models_folder,
    user_models,
)


@pytest.fixture(autouse=True)
def no_variable(monkeypatch):
    monkeypatch.delenv(folders.VARIABLE, raising=False)


def test_the_order(monkeypatch, tmp_path):
    here = tmp_path / "comfy" / "models"
    monkeypatch.setattr(folders, "comfyui_models", lambda package: here)
    assert models_folder() == here
    monkeypatch.setenv(folders.VARIABLE, str(tmp_path / "named"))
    assert models_folder() == tmp_path / "named"
    assert models_folder(tmp_path / "chosen") == tmp_path / "chosen"
    monkeypatch.delenv(folders.VARIABLE)
    monkeypatch.setattr(folders, "comfyui_models", lambda package: None)
    assert models_folder() == user_models()


def host(root: Path, *marks: str) -> Path:
    package = root / "custom_nodes" / "any-name" / "magicportrait_core"
    package.mkdir(parents=True)
    for mark in marks:
        (root / mark).touch()
    return package


def test_comfyui_is_told_by_its_files(tmp_path):
    package = host(tmp_path / "a", "main.py", "folder_paths.py")
    assert comfyui_models(package) == tmp_path / "a" / "models"
    assert comfyui_models(host(tmp_path / "b", "main.py")) is None
    assert comfyui_models(tmp_path / "site-packages" / "magicportrait_core") is None


def test_a_pack_that_is_a_link_belongs_to_where_the_link_is(tmp_path):
    package = host(tmp_path / "a", "main.py", "folder_paths.py")
    pack = tmp_path / "a" / "custom_nodes" / "linked"
    pack.symlink_to(package.parent)
    assert comfyui_models(pack / "magicportrait_core") == tmp_path / "a" / "models"


@pytest.mark.parametrize(
    ("platform", "end"),
    [
        ("linux", ".local/share/magicportrait/models"),
        ("darwin", "Library/Application Support/magicportrait/models"),
        ("win32", "AppData/Local/magicportrait/models"),
    ],
)
def test_the_users_folder(monkeypatch, platform, end):
    for name in ("XDG_DATA_HOME", "LOCALAPPDATA"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setattr(sys, "platform", platform)
    assert user_models() == Path.home() / end


def test_kind_folders_are_made(tmp_path):
    assert kind_folder("flame", tmp_path / "new").is_dir()
    (tmp_path / "file").touch()
    with pytest.raises(InputError, match="cannot be made"):
        kind_folder("flame", tmp_path / "file")


def test_several_folders_of_a_kind(tmp_path):
    """The first that has the file; one folder is a list of one."""
    first, second = tmp_path / "first", tmp_path / "second"
    second.mkdir()
    (second / "a.bin").touch()
    assert folder_list(str(first)) == (first,)
    assert folder_list([first, str(second), first]) == (first, second)
    assert find_file(first, "a.bin") is None
    assert find_file([first, second], "a.bin") == second / "a.bin"
    first.mkdir()
    (first / "a.bin").touch()
    assert find_file([first, second], "a.bin") == first / "a.bin"
    assert folder_names([first, second]) == f"{first} or {second}"
