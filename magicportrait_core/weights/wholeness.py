"""Whether a file is whole, as far as its own form tells: cheaply, or by its checksums."""

from __future__ import annotations

import json
import zipfile
import zlib
from pathlib import Path

from ..errors import InputError
from .archives import open_archive
from .arrays import MAGIC, load_npy, open_npz
from .checkpoints import OLD_MAGIC

#: of a file named .safetensors
MISNAMED = "it is a pickle, as .pth and .ckpt files are, and no safetensors"
_PICKLED = (b"PK", b"\x80")  #: how torch's files and plain pickles begin
_PICKLES = (".pkl",)
_BLOCK = 1 << 22
_LONGEST_LIST = 100_000_000  #: bytes, of which safetensors reads no more


def quick_fault(path: Path) -> str | None:
    """Why a file cannot be whole, or None where its beginning and end give no reason.

    Values are not read: of a pickle the last byte is looked at, of an archive its list.
    """
    try:
        size = path.stat().st_size
        with path.open("rb") as file:
            start = file.read(16)
            file.seek(max(0, size - 1))
            end = file.read(1)
    except OSError as error:
        return f"it cannot be opened ({error.strerror})"
    if not size:
        return "it is empty"
    if start[8:9] == b"{":  # first: the length before it may begin as any other file does
        return _safetensors_fault(path, start, size)
    if path.suffix.lower() == ".safetensors" and start.startswith(_PICKLED):
        return MISNAMED
    if start.startswith((b"<", b"version https://")):
        return "it is a web page or a pointer, not the file itself"
    if start.startswith(b"PK"):
        return None if zipfile.is_zipfile(path) else "its end is missing"
    if start.startswith(MAGIC) or path.suffix == ".npz":
        return _numpy_fault(path)
    if path.suffix in _PICKLES and not start.startswith(OLD_MAGIC[:10]) and end != b".":
        return "its end is missing"
    return None


def refusal_of(path: Path) -> str | None:
    """One sentence where :func:`quick_fault` finds a reason: what is wrong, and what to do."""
    fault = quick_fault(path)
    if fault == MISNAMED:
        return (
            f"{path.name} is not what its name says: {MISNAMED}. Rename it to {path.stem}.pth, and "
            "it is read as far as it holds nothing but tensors, or take a real .safetensors from "
            "its source."
        )
    return fault and f"{path.name} is damaged ({fault}): take it from its source again."


def checksum_fault(path: Path) -> str | None:
    """Why the checksums inside an archive do not hold, or None; other files carry none."""
    with path.open("rb") as file:
        if file.read(2) != b"PK":
            return None
    bad, total = [], 0
    try:
        with open_archive(path) as archive:
            for info in archive.infolist():
                total += 1
                try:
                    with archive.open(info) as file:
                        while file.read(_BLOCK):
                            pass
                except (zipfile.BadZipFile, zlib.error, EOFError):
                    bad.append(info.filename)
    except InputError as error:
        return str(error)
    except (zipfile.BadZipFile, OSError) as error:
        return f"its archive is damaged ({' '.join(str(error).split())[:80]})"
    if bad and len(bad) < total:  # all of them: it was written without checksums
        return f"the checksum of {bad[0]} in it does not hold ({len(bad)} of {total})"
    return None


def _numpy_fault(path: Path) -> str | None:
    try:
        if path.suffix == ".npz":
            with open_npz(path):
                return None
        load_npy(path)
    except InputError as error:
        return str(error)
    return None


def _safetensors_fault(path: Path, start: bytes, size: int) -> str | None:
    length = int.from_bytes(start[:8], "little")
    if length + 8 > size:
        return "its end is missing"
    if length > _LONGEST_LIST:
        return f"its list of tensors has {length:,} bytes"
    with path.open("rb") as file:
        file.seek(8)
        text = file.read(length)
    try:
        header = json.loads(text)
        ends = [int(v["data_offsets"][1]) for k, v in header.items() if k != "__metadata__"]
    except (ValueError, LookupError, TypeError, AttributeError, OverflowError, RecursionError):
        return "its list of tensors is damaged"
    if max(ends, default=0) + length + 8 != size:
        return "its end is missing"
    return None
