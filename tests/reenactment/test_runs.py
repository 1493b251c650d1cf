"""Run folders: what is kept is whole, what is not a run's is left alone."""

import json

import pytest
import torch

from magicportrait_core.diffusion.clips.journal import SamplerState
from magicportrait_core.errors import InputError
from magicportrait_core.files import replacing
from magicportrait_core.reenactment.runs import PREVIEWS, SETUP, STATE, WINDOWS, RunFolder

SETUP_A = {"settings": {"steps": 20, "windows": {"length": 12}}, "codec": "h264"}


def begin(path, setup=SETUP_A, resume=False):
    return RunFolder.begin(path / "run", setup, resume)


def test_states_and_windows_come_back(tmp_path):
    journal = begin(tmp_path).journal()
    assert journal.state() is None
    x = torch.randn(3, 4, 2, 2)
    step = journal.step(0)
    assert step.find(1) is None
    step.keep(1, x[:2])
    again = begin(tmp_path, resume=True).journal()
    assert again.step(0).find(1).equal(x[:2])
    assert again.step(0).find(0) is None
    assert again.step(1).find(1) is None
    again.finish(SamplerState(1, x, {"x": x, "v": x[1:]}))
    state = begin(tmp_path, resume=True).journal().state()
    assert state.steps == 1
    assert state.latents.equal(x)
    assert set(state.history) == {"x", "v"}
    assert state.history["v"].equal(x[1:])
    assert not (tmp_path / "run" / WINDOWS).exists()


def test_a_damaged_window_is_made_again_and_a_damaged_state_is_named(tmp_path):
    folder = begin(tmp_path)
    folder.journal().step(0).keep(0, torch.zeros(1))
    (path,) = (folder.path / WINDOWS).iterdir()
    path.write_bytes(path.read_bytes()[:-2])
    assert folder.journal().step(0).find(0) is None
    folder.file(STATE).write_bytes(b"no")
    with pytest.raises(InputError, match=r"state\.safetensors is damaged"):
        folder.journal().state()


def test_a_new_run_empties_its_folder_and_leaves_the_rest(tmp_path):
    folder = begin(tmp_path)
    folder.journal().step(0).keep(0, torch.zeros(1))
    folder.journal().finish(SamplerState(1, torch.zeros(1, 4, 1, 1)))
    (folder.path / PREVIEWS).mkdir()
    (folder.path / "notes.txt").write_text("mine")
    folder.finish(tmp_path / "out.mp4", {})
    again = begin(tmp_path)
    assert again.journal().state() is None
    assert {path.name for path in again.path.iterdir()} == {SETUP, "notes.txt"}
    again.remove()
    assert {path.name for path in again.path.iterdir()} == {"notes.txt"}


def test_a_folder_of_other_things_is_refused(tmp_path):
    (tmp_path / "run").mkdir()
    (tmp_path / "run" / "holiday.png").touch()
    for resume in (False, True):
        with pytest.raises(InputError, match="holds no run"):
            begin(tmp_path, resume=resume)
    (tmp_path / "file").touch()
    with pytest.raises(InputError, match="cannot be made"):
        RunFolder.begin(tmp_path / "file", SETUP_A, resume=False)


@pytest.mark.parametrize("left", [[], [".run.json.0123abcd.part"]])
def test_what_a_killed_beginning_left_is_a_beginning(tmp_path, left):
    """Killed before run.json was there; of an old run that is removed it goes last."""
    (tmp_path / "run").mkdir()
    for name in left:
        (tmp_path / "run" / name).touch()
    folder = begin(tmp_path, resume=True)
    assert [path.name for path in folder.path.iterdir()] == [SETUP]
    assert not folder.begun


def test_differences_are_named(tmp_path):
    begin(tmp_path)
    other = {"settings": {"steps": 10, "windows": {"length": 8}}, "seed": 1, "codec": "h264"}
    with pytest.raises(InputError) as error:
        begin(tmp_path, other, resume=True)
    for words in (
        "seed is 1 now, was not there",
        "settings.steps is 10 now, was 20",
        "settings.windows.length is 8 now, was 12",
    ):
        assert words in str(error.value)
    assert "codec" not in str(error.value)


def test_what_is_no_run_json_is_named(tmp_path):
    begin(tmp_path)
    for text in ("", "[]", json.dumps({"format": 99, "setup": {}})):
        (tmp_path / "run" / SETUP).write_text(text)
        with pytest.raises(InputError, match=r"run\.json is not of this version's runs"):
            begin(tmp_path, resume=True)


def test_parts_of_killed_processes_are_swept(tmp_path):
    folder = begin(tmp_path)
    part = folder.path / f".{STATE}.0123abcd.part"
    part.touch()
    begin(tmp_path, resume=True)
    assert not part.exists()


def test_a_file_is_on_the_disk_before_it_has_its_name(tmp_path, monkeypatch):
    import os

    done = []
    real_sync, real_rename = os.fsync, os.replace
    monkeypatch.setattr(os, "fsync", lambda fd: (done.append("sync"), real_sync(fd)))
    monkeypatch.setattr(os, "replace", lambda a, b: (done.append("rename"), real_rename(a, b)))
    with replacing(tmp_path / "a") as temporary:
        temporary.write_text("whole")
    assert done == ["sync", "rename"]
