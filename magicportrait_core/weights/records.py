"""What was downloaded, from where, with which hash: a small JSON beside the files."""

from __future__ import annotations

import hashlib
import json
from dataclasses import asdict, dataclass
from datetime import datetime, timezone
from pathlib import Path

from ..errors import InputError
from ..files import replacing
from ..types import Progress, no_progress

FILE = "magicportrait_sources.json"
_BLOCK = 1 << 22


@dataclass(frozen=True)
class Record:
    """Where a file came from. It is held to its sha256 from then on."""

    sha256: str
    revision: str  #: the commit
    address: str
    licence: str
    date: str  #: ISO, UTC
    verified: bool  #: the hash was known before the file came


def read_records(folder: Path) -> dict[str, Record]:
    """File below the folder -> its record. Raises InputError for a damaged file of records."""
    path = folder / FILE
    if not path.is_file():
        return {}
    try:
        content = json.loads(path.read_text(encoding="utf-8"))
        return {name: Record(**values) for name, values in content.items()}
    except (OSError, ValueError, TypeError, AttributeError) as error:
        raise InputError(
            f"{path} is damaged ({error}): delete it, and what was downloaded is looked at anew."
        ) from error


def write_record(folder: Path, name: str, record: Record) -> None:
    """Add or replace one record."""
    records = {**read_records(folder), name: record}
    text = json.dumps({key: asdict(value) for key, value in sorted(records.items())}, indent=2)
    with replacing(folder / FILE) as temporary:
        temporary.write_text(text + "\n", encoding="utf-8")


def sha256_of(path: Path, progress: Progress = no_progress) -> str:
    """The hash of a file, read block by block."""
    digest, done, total = hashlib.sha256(), 0, path.stat().st_size
    with path.open("rb") as file:
        while block := file.read(_BLOCK):
            digest.update(block)
            done += len(block)
            progress("checking", done, total)
    return digest.hexdigest()


def today() -> str:
    """Now, UTC, to the second."""
    return datetime.now(timezone.utc).isoformat(timespec="seconds")
