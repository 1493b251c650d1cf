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
_TAIL = 1 << 17  #: the end of a file, where the lengths of its list stand
_END, _END_64 = b"PK\x05\x06", b"PK\x06\x06"


def open_archive(path: str | os.PathLike) -> zipfile.ZipFile:
    """A zip archive whose members together are no more than such a file can need.

    Raises InputError for one that would unpack without end, zipfile.BadZipFile for a damaged one.
    """
    path = Path(path)
    size = path.stat().st_size
    if (listed := _list_length(path, size)) > MAX_LIST:
        raise Unreadable(f"{path.name} is refused: its list of members has {listed:,} bytes.")
    archive = zipfile.ZipFile(path)
    try:
        members = archive.infolist()
        unpacked = sum(member.file_size for member in members)
        if unpacked > MAX_COPIES * size + SLACK:
            raise Unreadable(
                f"{path.name} is refused: its {size:,} bytes would unpack to {unpacked:,}. Take "
                "the file from its makers' own page."
            )
        if any(member.compress_type not in _KINDS for member in members):
            raise Unreadable(
                f"{path.name} is refused: it is packed in a way that no such file is. Take the "
                "file from its makers' own page."
            )
    except InputError:
        archive.close()
        raise
    return archive


def _list_length(path: Path, size: int) -> int:
    """Bytes of the list of members, by the records at the end, in either of their forms."""
    with path.open("rb") as file:
        file.seek(max(0, size - _TAIL))
        tail = file.read()
    found = [0]
    for mark, at, width in ((_END, 12, 4), (_END_64, 40, 8)):
        start = tail.rfind(mark)
        length = int.from_bytes(tail[start + at : start + at + width], "little")
        if start >= 0 and length != 2 ** (8 * width) - 1:  # that is: it stands in the other form
            found.append(length)
    return max(found)
