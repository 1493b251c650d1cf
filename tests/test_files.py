import os

import pytest

from magicportrait_core import files
from magicportrait_core.errors import InputError
from magicportrait_core.files import check_suffix, keep_inputs, replacing


def test_new_and_replaced(tmp_path):
    path = tmp_path / "a.txt"
    for text in ("one", "two"):
        with replacing(path) as temporary:
            assert temporary.parent == tmp_path
            assert temporary.name.startswith(".")
            temporary.write_text(text)
        assert path.read_text() == text
        assert list(tmp_path.iterdir()) == [path]


@pytest.mark.parametrize("error", [RuntimeError, KeyboardInterrupt])
def test_failure_leaves_what_was_there(tmp_path, error):
    path = tmp_path / "a.txt"
    path.write_text("old")

    def fail():
        with replacing(path) as temporary:
            temporary.write_text("half")
            raise error

    with pytest.raises(error):
        fail()
    assert path.read_text() == "old"
    assert list(tmp_path.iterdir()) == [path]


def test_busy_target_is_tried_again(tmp_path, monkeypatch):
    tries = []

    def busy_twice(source, target):
        tries.append(target)
        if len(tries) < 3:
            raise PermissionError(13, "The process cannot access the file")
        os.rename(source, target)

    monkeypatch.setattr(files.os, "replace", busy_twice)
    monkeypatch.setattr(files.time, "sleep", lambda seconds: None)
    with replacing(tmp_path / "a.txt") as temporary:
        temporary.write_text("text")
    assert len(tries) == 3
    assert (tmp_path / "a.txt").read_text() == "text"


def test_target_that_stays_busy(tmp_path, monkeypatch):
    def busy(source, target):
        raise PermissionError(13, "The process cannot access the file")

    monkeypatch.setattr(files.os, "replace", busy)
    monkeypatch.setattr(files.time, "sleep", lambda seconds: None)
    with pytest.raises(InputError, match="close the program"), replacing(tmp_path / "a") as part:
        part.write_text("text")
    assert list(tmp_path.iterdir()) == []


def test_places_that_cannot_be_written(tmp_path):
    with (
        pytest.raises(InputError, match=r"output folder .* does not exist"),
        replacing(tmp_path / "none" / "a"),
    ):
        pass
    with pytest.raises(InputError, match="is a folder"), replacing(tmp_path):
        pass


def test_full_disk(tmp_path):
    with pytest.raises(InputError, match="No space left"), replacing(tmp_path / "a"):
        raise OSError(28, "No space left on device")
    with pytest.raises(FileNotFoundError), replacing(tmp_path / "a"):
        (tmp_path / "another file").read_text()


def test_the_suffix_says_what_is_written(tmp_path):
    assert check_suffix("track", tmp_path / "a.SafeTensors", ".safetensors").parent == tmp_path
    with pytest.raises(InputError, match=r"A track is written as \.safetensors, got a\.mp4"):
        check_suffix("track", tmp_path / "a.mp4", ".safetensors")


def test_inputs_are_not_written_over(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    keep_inputs("b.mp4", "a.mp4", tmp_path / "c.mp4")
    with pytest.raises(InputError, match="is an input of this run"):
        keep_inputs("a.mp4", "b.mp4", tmp_path / "a.mp4")


@pytest.mark.skipif(os.name == "nt", reason="modes of POSIX")
def test_the_mode_is_that_of_any_new_file(tmp_path):
    """Libraries that make their files the user's alone would lock others out of shared models."""
    plain, path = tmp_path / "plain", tmp_path / "a.txt"
    plain.touch()
    with replacing(path) as temporary:
        temporary.write_text("x")
        temporary.chmod(0o600)
    assert path.stat().st_mode == plain.stat().st_mode
