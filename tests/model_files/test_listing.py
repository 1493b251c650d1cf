"""What `weights list` says of files that are there."""

from __future__ import annotations

import shutil

import pytest
import torch

from magicportrait_core.model_files.listing import STATES, glance_all
from tests.official_files import flame_content, write_flame


def states(models):
    """Key -> state and note."""
    return {one.entry.key: (one.state, one.note) for one in glance_all(models)}


@pytest.fixture
def folder(tmp_path):
    (tmp_path / "flame").mkdir()
    return tmp_path / "flame"


@pytest.mark.parametrize(
    ("file", "key", "content"),
    [
        ("generic_model.pkl", "flame2020", b"no pickle, though it ends as one."),
        ("deca_model.tar", "deca", b"no checkpoint" * 50),
        ("head_template.obj", "flame_uv", b"no mesh\n" * 50),
    ],
)
def test_a_raw_file_that_cannot_be_read_is_no_file_that_is_here(folder, file, key, content):
    (folder / file).write_bytes(content)
    state, note = states(folder.parent)[key]
    assert state == "bad", STATES[state]
    assert file in note


def test_a_raw_file_in_anothers_place_is_named(folder):
    torch.save({"E_flame": {}, "a": torch.ones(1)}, folder / "SMIRK_em1.pt")
    state, note = states(folder.parent)["smirk"]
    assert state == "bad"
    assert note


def test_a_raw_file_that_is_whole(folder, goldens):
    write_flame(folder / "generic_model.pkl", flame_content(goldens))
    assert states(folder.parent)["flame2020"] == ("raw", "")
    shutil.copy(folder / "generic_model.pkl", folder / "deca_model.tar")
    assert states(folder.parent)["deca"][0] == "bad"
