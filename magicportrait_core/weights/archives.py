"""Zip archives from elsewhere, .npz and torch's: what they claim is checked before it is unpacked.

Layout: https://pkware.cachefly.net/webdocs/casestudies/APPNOTE.TXT, sections 4.3.12 to 4.3.16.
"""

from __future__ import annotations

import os
import zipfile
from pathlib import Path

from ..errors import InputError
from .faults import Unreadable

MAX_LIST = 1 << 24  #: bytes of the list of members: over 100,000 of them
MAX_COPIES, SLACK = 16, 1 << 28  #: unpacked, so many times the file, and a little for small files
_KINDS = (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED)
_LOCKED = 0x61  #: flags: encrypted, or a patch of another file
#: the records at the end: the last one, and those of large files before it
_END, _END_64, _LOCATOR = b"PK\x05\x06", b"PK\x06\x06", b"PK\x06\x07"
_END_BYTES, _END_64_BYTES, _LOCATOR_BYTES = 22, 56, 20
_COMMENT = 1 << 16  #: that may follow the last one


def open_archive(path: str | os.PathLike) -> zipfile.ZipFile:
    """A zip archive whose members together are no more than such a file can need.

    Raises InputError for one that would unpack without end, zipfile.BadZipFile for a damaged one.
    """
    path = Path(path)
    size = path.stat().st_size
    _check_list(path, size)
    archive = zipfile.ZipFile(path)
    try:
        members = archive.infolist()
        unpacked = sum(member.file_size for member in members)
        if unpacked > MAX_COPIES * size + SLACK:
            raise Unreadable(
                f"{path.name} is refused: its {size:,} bytes would unpack to {unpacked:,}. Take "
                "the file from its makers' own page."
            )
        if any(m.compress_type not in _KINDS or m.flag_bits & _LOCKED for m in members):
            raise Unreadable(
                f"{path.name} is refused: it is packed in a way that no such file is. Take the "
                "file from its makers' own page."
            )
    except InputError:
        archive.close()
        raise
    return archive


def _check_list(path: Path, size: int) -> None:
    """Look at the list of members before it is read, by the records at the end.

    It must lie where they say, right before them. Readers differ in what they make of other files:
    what was looked at by one could be something else to torch.
    """
    with path.open("rb") as file:
        file.seek(max(0, size - _COMMENT - _END_BYTES - _LOCATOR_BYTES - _END_64_BYTES))
        first = file.tell()
        tail = file.read()
    end = tail.rfind(_END)
    if tail[-_END_BYTES:].startswith(_END) and tail.endswith(b"\0\0"):  # no comment follows
        end = len(tail) - _END_BYTES
    if end < 0:
        raise zipfile.BadZipFile("it is not a zip file, or its end is missing")
    length, place = _numbers(tail, end + 12, 4)
    if tail[:end][-_LOCATOR_BYTES:].startswith(_LOCATOR):
        named, _ = _numbers(tail, end - _LOCATOR_BYTES + 8, 8)
        end -= _LOCATOR_BYTES + _END_64_BYTES
        if named != first + end or tail[max(end, 0) :][:4] != _END_64:
            raise zipfile.BadZipFile("its last records are not where they should be")
        length, place = _numbers(tail, end + 40, 8)
    if length > MAX_LIST:
        raise Unreadable(f"{path.name} is refused: its list of members has {length:,} bytes.")
    if place + length != first + end:
        raise zipfile.BadZipFile("its list of members is not where it should be")


def _numbers(data: bytes, at: int, width: int) -> list[int]:
    """Two numbers beside each other, little-endian."""
    starts = (at, at + width)
    return [int.from_bytes(data[start : start + width], "little") for start in starts]
