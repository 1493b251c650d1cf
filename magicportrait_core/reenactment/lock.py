"""One process at a time in a run folder: a lock of the system's, gone with the process."""

from __future__ import annotations

import errno
import os
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import BinaryIO

from ..errors import InputError

try:
    import fcntl
except ImportError:  # Windows
    fcntl = None
    import msvcrt

_HELD = (errno.EAGAIN, errno.EACCES, errno.EDEADLK)  #: what systems say where another has it


@contextmanager
def only_run_in(folder: str | Path) -> Iterator[None]:
    """Keep every other process and run out of a run folder, which need not exist.

    The lock is of a hidden file beside the folder; where a process was killed the file stays, the
    lock does not. A disk that knows no locks goes without. Raises InputError where another run
    has the folder.
    """
    folder = Path(folder).resolve()
    path = folder.with_name(f".{folder.name}.lock")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        file = _taken(path)
    except OSError as error:
        raise InputError(
            f"The run folder {folder} cannot be made ({error.strerror}): name another one."
        ) from error
    if file is None:
        raise InputError(
            f"Another run is at work in {folder}: wait for its end, or name another folder by "
            "--run-folder."
        )
    try:
        yield
    finally:
        _left(file, path)


def _taken(path: Path) -> BinaryIO | None:
    """The file, open and locked; None where another has it."""
    while True:
        file = path.open("ab")
        try:
            if fcntl is None:
                msvcrt.locking(file.fileno(), msvcrt.LK_NBLCK, 1)
            else:
                fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError as error:
            if error.errno in _HELD:
                file.close()
                return None
        with suppress(OSError):  # one that its owner removed meanwhile is no longer the lock
            if os.path.samestat(os.fstat(file.fileno()), path.stat()):
                return file
        file.close()


def _left(file: BinaryIO, path: Path) -> None:
    """Remove the file and let the lock go: in this order where the system removes open files."""
    with suppress(OSError):
        if fcntl is None:
            file.close()
        path.unlink()
    file.close()
