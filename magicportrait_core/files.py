"""Outputs are written beside their place under a temporary name and renamed when whole."""

from __future__ import annotations

import errno
import glob
import os
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from uuid import uuid4

from .errors import InputError

#: Waits in seconds between tries to rename; Windows refuses while a player holds the target open.
_RENAME_WAITS = (0.1, 0.2, 0.4, 0.8, 1.6)


def check_output_path(path: str | Path) -> Path:
    """Return ``path`` as a Path, or raise InputError where no file can be written there."""
    path = Path(path)
    folder = path.parent
    if not folder.is_dir():
        raise InputError(f"The output folder {folder} does not exist: create it first.")
    if path.is_dir():
        raise InputError(f"The output {path} is a folder: name a file in it.")
    if path.exists():
        try:
            with open(path, "r+b"):
                pass
        except OSError as error:
            raise InputError(
                f"{path} cannot be overwritten ({error.strerror}): close the program that has it "
                "open, or choose another name."
            ) from error
    return path


def check_suffix(what: str, path: str | Path, suffix: str) -> Path:
    """:func:`check_output_path`, and that the name ends as such a file does: ".safetensors"."""
    path = check_output_path(path)
    if path.suffix.lower() != suffix:
        raise InputError(f"A {what} is written as {suffix}, got {path.name}")
    return path


def keep_inputs(output: str | Path, *inputs: str | Path) -> None:
    """Raise InputError where ``output`` would be written over something that is read."""
    place = Path(output).resolve()
    for path in inputs:
        if Path(path).resolve() == place:
            raise InputError(f"{output} is an input of this run: name another output.")


def keep_outside(folder: str | Path, *inputs: str | Path) -> None:
    """Raise InputError where something that is read lies in a folder that is emptied."""
    place = Path(folder).resolve()
    for path in inputs:
        if place in (Path(path).resolve(), *Path(path).resolve().parents):
            raise InputError(
                f"{path} is an input of this run and lies in its folder {folder}, which the run "
                "writes over: name another folder, or copy the input elsewhere."
            )


def temporary_beside(path: Path) -> Path:
    """A new hidden name in the same folder, so that the rename stays on one disk."""
    return path.with_name(f".{path.name[:100]}.{uuid4().hex[:8]}.part")


def remove_parts(path: Path) -> None:
    """Remove what processes that were killed while they wrote ``path`` left beside it."""
    for part in path.parent.glob(f".{glob.escape(path.name[:100])}.????????.part"):
        part.unlink(missing_ok=True)


def replace_file(temporary: Path, path: Path) -> None:
    """Rename ``temporary`` to ``path``, over what is there; retried while the target is busy."""
    for wait in (*_RENAME_WAITS, None):
        try:
            os.replace(temporary, path)
            return
        except PermissionError as error:
            if wait is None:
                raise InputError(
                    f"{path} cannot be overwritten ({error.strerror}): close the program that "
                    "has it open and run again."
                ) from error
        time.sleep(wait)


@contextmanager
def replacing(path: str | Path) -> Iterator[Path]:
    """Yield a temporary path to write; rename it to ``path`` at the end, or remove it on failure.

    Raises InputError where the folder does not exist or the disk refuses the file.
    """
    path = check_output_path(path)
    temporary = temporary_beside(path)
    try:
        temporary.touch()
        mode = temporary.stat().st_mode  # what the user's umask makes of a new file
        yield temporary
        temporary.chmod(mode)  # safetensors makes its files the user's alone
        with temporary.open("r+b") as file:  # or a power cut leaves the name without the content
            os.fsync(file.fileno())
        replace_file(temporary, path)
    except OSError as error:
        if error.errno == errno.ENOSPC or error.filename == str(temporary):
            raise InputError(f"{path} could not be written: {error.strerror}.") from error
        raise
    finally:
        temporary.unlink(missing_ok=True)
