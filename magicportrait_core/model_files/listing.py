"""Every file of the catalogue: whether it is here, at a glance; nothing is hashed."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from ..diffusion.checkpoints.model_folders import ModelFolders
from ..errors import InputError
from ..weights.catalog import CATALOG, Entry
from ..weights.wholeness import quick_fault
from .check import content_of

#: state -> what it means
STATES = {
    "here": "here",
    "raw": "here as it was downloaded; converted at its first use",
    "bad": "here, but it cannot be used",
    "served": "not here and not needed: another file serves",
    "missing": "not here",
}


@dataclass(frozen=True)
class Glance:
    """The state of one entry."""

    entry: Entry
    state: str  #: a key of STATES
    path: Path | None  #: the file, or the one that serves
    note: str = ""  #: why it is bad, or what serves

    @property
    def converted(self) -> bool:
        """Whether another file than the official one is here, made of it."""
        return self.path is not None and self.path.name in self.entry.stored

    @property
    def size(self) -> int | None:
        """Bytes: of the file that is here, else as the catalogue has it; None: not known."""
        here = self.path is not None and self.state != "served"
        return self.path.stat().st_size if here else self.entry.size


def glance_all(models: Path) -> list[Glance]:
    """One for each entry of the catalogue, in its order."""
    folders = ModelFolders.of(models)
    return [_glance(entry, models / entry.kind, folders) for entry in CATALOG]


def combined_file(models: Path) -> Path | None:
    """A combined file of the diffusion models."""
    return ModelFolders.of(models).combined()


def _glance(entry: Entry, folder: Path, folders: ModelFolders) -> Glance:
    path = entry.found_in(folder)
    if path is None:
        served = _served(entry, folders)
        if served is None:
            return Glance(entry, "missing", None)
        return Glance(entry, "served", served, f"{served.name} serves")
    if fault := _fault(path, entry):
        return Glance(entry, "bad", path, fault)
    raw = bool(entry.stored) and path.name not in entry.stored
    return Glance(entry, "raw" if raw else "here", path)


def _served(entry: Entry, folders: ModelFolders) -> Path | None:
    """The file that makes an entry of the diffusion models unnecessary."""
    if entry.kind != "magicportrait":
        return None
    finders = {
        "vae": folders.autoencoder,
        "sd15_unet": folders.base_unet,
        "sd15_text_encoder": folders.text,
    }
    find = finders.get(entry.key)
    if entry.key.startswith("sd15_") and find is None:
        return None  # the tokenizer: for prompts of one's own
    return folders.combined() or (find and find())


def _fault(path: Path, entry: Entry) -> str | None:
    """Why a file that is there cannot be used: it cannot be read, or is another's."""
    if fault := quick_fault(path):
        return fault
    try:
        return "; ".join(content_of(path, entry)[1]) or None
    except InputError as error:
        return str(error)
