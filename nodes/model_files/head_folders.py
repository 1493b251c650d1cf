"""Where head models lie for this host, and what lies there: models/flame and what
extra_model_paths.yaml adds under the name flame."""

from __future__ import annotations

from pathlib import Path

import folder_paths

from ...magicportrait_core.errors import InputError
from ...magicportrait_core.flame.importers.convert import folder_state, import_file, import_folder
from ...magicportrait_core.flame.library.library import AUTO, heads, open_head
from ...magicportrait_core.motion.choice import LANDMARKS_ONLY, ways_to_a_head
from ...magicportrait_core.types import Progress
from ...magicportrait_core.weights.catalog import HEADS, Entry
from ...magicportrait_core.weights.download import download
from ..sockets import LoadedHead
from .model_folders import ABSENT

KIND = "flame"
DOWNLOADED = "gnm_head"  #: key of the head model that needs no registration


def flame_folders() -> tuple[Path, ...]:
    """The folders that exist, first the one that is looked into first."""
    return tuple(path for path in map(Path, folder_paths.get_folder_paths(KIND)) if path.is_dir())


def first_folder() -> Path:
    """The folder to name in messages and to download into."""
    found = flame_folders()
    return found[0] if found else Path(folder_paths.get_folder_paths(KIND)[0])


def head_options() -> list[str]:
    """auto, what is here, converted or raw, and what is known and is not."""
    here = [name for folder in flame_folders() for name in _names(folder)]
    absent = [_name(entry) + ABSENT for entry in HEADS if _name(entry) not in here]
    return list(dict.fromkeys([AUTO, *here, *absent]))


def plain(choice: str) -> str:
    """A combo's entry as a name."""
    return choice.removesuffix(ABSENT)


def find_head(choice: str, tracker: str, progress: Progress) -> LoadedHead | None:
    """Load a head model, auto: the best there is; raw files are converted. None: not here.

    Its parts and its tracker's networks may lie in another of the folders.
    """
    name, folders = plain(choice), flame_folders()
    for folder in folders:
        import_folder(folder, progress)
    found = heads(folders)
    if found and name in (AUTO, *found):
        return LoadedHead(open_head(folders, name), folders, tracker)
    return None


def fetch_head(choice: str, tracker: str, progress: Progress) -> LoadedHead:
    """Download the head model that may be had without a registration, and load it.

    Raises InputError where another one is asked for: what to do for it.
    """
    name = plain(choice)
    entry = next(entry for entry in HEADS if entry.key == DOWNLOADED)
    if name not in (AUTO, _name(entry)):
        raise InputError(missing_head(choice))
    folder = first_folder()
    folder.mkdir(parents=True, exist_ok=True)
    download(entry.key, folder, progress)
    head = find_head(_name(entry), tracker, progress)
    if head is None:
        raise InputError(f"{entry.name} in {folder} could not be converted: see the node's notes")
    return head


def missing_head(choice: str) -> str:
    """What to do where a head model is not here: file, folder, size, address, licence.

    What else there is, is told where no known one was asked for.

    Raises InputError where its file is here, and cannot be converted: why.
    """
    name, folder = plain(choice), first_folder()
    entry = next((entry for entry in HEADS if _name(entry) == name), None)
    if entry is not None:
        for there in flame_folders():
            if raw := entry.found_in(there):
                import_file(raw, there)  # says what is wrong with it
        return entry.how_to_get(folder)
    here = [n for f in flame_folders() for n in heads(f)]
    if here and name != AUTO:
        return f"no head model {name} is in {folder}, there is {', '.join(here)}: choose one."
    lead = f"there is no head model in {folder}" if name == AUTO else f"no head model {name}"
    return f"{lead}. {ways_to_a_head(folder)} FLAME Track's {LANDMARKS_ONLY} needs none."


def fingerprint() -> str:
    """Changes as files in the folders come, go or are replaced, not as they are converted."""
    return "; ".join(sorted(s for folder in flame_folders() for s in folder_state(folder)))


def _name(entry: Entry) -> str:
    return Path(entry.stored[0]).stem


def _names(folder: Path) -> list[str]:
    """Converted heads, and known ones that lie raw."""
    raw = [_name(entry) for entry in HEADS if entry.found_in(folder)]
    return [*heads(folder), *raw]
