"""One run at a time in a folder: refused while another is at work, free when that has died."""

from __future__ import annotations

import errno
import subprocess
import sys
import types
from pathlib import Path

import pytest

from magicportrait_core.errors import InputError
from magicportrait_core.reenactment import lock
from magicportrait_core.reenactment.lock import only_run_in
from magicportrait_core.reenactment.runs import RunFolder

ROOT = Path(__file__).resolve().parents[2]
HOLDER = """
import sys
from magicportrait_core.reenactment.lock import only_run_in
with only_run_in(sys.argv[1]):
    print("at work", flush=True)
    sys.stdin.read()
"""


def test_nothing_is_left_and_the_folder_is_free_again(tmp_path):
    for _ in range(2):
        with only_run_in(tmp_path / "deep" / "run"):
            assert [path.name for path in (tmp_path / "deep").iterdir()] == [".run.lock"]
        assert not list((tmp_path / "deep").iterdir())


def test_a_second_run_is_refused(tmp_path):
    with only_run_in(tmp_path / "run"):
        with pytest.raises(InputError, match=r"Another run is at work in .*run: wait for its end"):
            with only_run_in(tmp_path / "." / "run"):
                pytest.fail("two at work")
        with only_run_in(tmp_path / "other"):
            pass
    with only_run_in(tmp_path / "run"):
        pass


def test_another_process_keeps_it_until_it_dies(tmp_path):
    holder = subprocess.Popen(
        [sys.executable, "-c", HOLDER, str(tmp_path / "run")], cwd=ROOT, text=True,
        stdin=subprocess.PIPE, stdout=subprocess.PIPE,
    )  # fmt: skip
    try:
        assert holder.stdout.readline() == "at work\n"
        with (
            pytest.raises(InputError, match="Another run is at work"),
            only_run_in(tmp_path / "run"),
        ):
            pytest.fail("two at work")
    finally:
        holder.kill()
        holder.communicate()
    assert (tmp_path / ".run.lock").exists(), "it was killed"
    with only_run_in(tmp_path / "run"):
        folder = RunFolder.begin(tmp_path / "run", {}, resume=True)
    folder.remove()
    assert not list(tmp_path.iterdir())


def test_a_lock_whose_file_was_removed_meanwhile_is_taken_anew(tmp_path, monkeypatch):
    """The owner's last act: another that waited has opened a file with no name any more."""
    real, opened = lock.fcntl.flock, []

    def removing(file, how):
        if not opened:
            (tmp_path / ".run.lock").unlink()
        opened.append(file)
        return real(file, how)

    monkeypatch.setattr(lock.fcntl, "flock", removing)
    with only_run_in(tmp_path / "run"):
        assert len(opened) == 2
        with pytest.raises(InputError), only_run_in(tmp_path / "run"):
            pytest.fail("two at work")


@pytest.mark.parametrize(("held", "free"), [(errno.EACCES, False), (errno.ENOLCK, True)])
def test_windows_lock_and_a_disk_without_any(tmp_path, monkeypatch, held, free):
    asked = []

    def locking(handle, how, length):
        asked.append((how, length))
        raise OSError(held, "no")

    windows = types.SimpleNamespace(locking=locking, LK_NBLCK=2)
    monkeypatch.setattr(lock, "fcntl", None)
    monkeypatch.setattr(lock, "msvcrt", windows, raising=False)
    if free:
        with only_run_in(tmp_path / "run"):
            pass
        assert not list(tmp_path.iterdir())
    else:
        with pytest.raises(InputError, match="Another run"), only_run_in(tmp_path / "run"):
            pytest.fail("two at work")
    assert asked == [(2, 1)]
