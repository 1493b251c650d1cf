"""The file that an importer reads, and what is written of it into what it makes."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from ...weights.catalog import Entry, entry_of
from ...weights.records import today


@dataclass(frozen=True)
class Source:
    """An official file, told by its content."""

    path: Path
    sha256: str
    key: str  #: of its entry in the catalogue

    @property
    def name(self) -> str:
        return self.path.name

    @property
    def entry(self) -> Entry:
        return entry_of(self.key)

    @property
    def right_one(self) -> str:
        """Where the right file comes from, to end an error with."""
        return f"{self.entry.right_one}."

    def metadata(self) -> dict[str, str]:
        """For the metadata of a safetensors: where it came from, how to know it again."""
        stat = self.path.stat()
        return {
            "licence": self.entry.licence,
            "source": self.entry.address,
            "source_file": self.name,
            "source_sha256": self.sha256,
            "source_stamp": f"{stat.st_size} {stat.st_mtime_ns}",
            "converted": today(),
        }
