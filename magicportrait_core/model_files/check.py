"""Files of weights, looked at: what each is, whether it is whole, whether it is the right one."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path

from ..diffusion.checkpoints.combined import read_metadata
from ..diffusion.checkpoints.manifests import SLOTS, look
from ..errors import InputError
from ..flame.importers.recognise import recognise
from ..types import Progress, no_progress
from ..weights.catalog import CATALOG, Entry
from ..weights.folders import KINDS, models_folder
from ..weights.records import read_records, sha256_of
from ..weights.state_files import read_state
from ..weights.wholeness import MISNAMED, checksum_fault, quick_fault, refusal_of

VERIFIED, UNVERIFIED, BAD = "verified", "unverified", "bad"
_SUFFIXES = (".safetensors", ".pth", ".pt", ".bin", ".ckpt", ".tar", ".pkl", ".npz", ".npy", ".obj")
_TORCH = (".safetensors", ".pth", ".pt", ".bin", ".ckpt")


@dataclass(frozen=True)
class FileCheck:
    """What was found of one file."""

    path: Path
    state: str  #: VERIFIED: its hash is the known one; UNVERIFIED: no hash is known; BAD
    what: str  #: it is, in words
    sha256: str | None  #: None where it could not be read
    notes: tuple[str, ...] = ()  #: why it is bad, and what else there is to know


def check_files(
    files: tuple[Path, ...] = (), models: Path | None = None, progress: Progress = no_progress
) -> Iterator[FileCheck]:
    """Check the files named, or every file of weights in the models folder."""
    folder = models_folder(models)
    seen: dict[str, Path] = {}
    for path in files or _present(folder):
        check = check_file(path, folder, progress)
        entry = entry_at(path, folder)
        if check.sha256 and entry is not None and entry.key in SLOTS:
            first = seen.setdefault(check.sha256, path)
            if first.name != path.name:
                note = f"is the same file as {first.name}: one of them is in a wrong place"
                check = replace(check, state=BAD, notes=(note, *check.notes))
        yield check


def check_file(path: Path, models: Path, progress: Progress = no_progress) -> FileCheck:
    """Look into a file, compare it with the tensors of its kind, and hash it."""
    if path.is_dir():
        return FileCheck(path, BAD, "a folder", None, ("name the files in it",))
    if not path.is_file():
        return FileCheck(path, BAD, "nothing", None, ("does not exist",))
    if fault := quick_fault(path):
        if fault == MISNAMED:
            return FileCheck(path, BAD, "a pickle by a false name", None, (refusal_of(path),))
        return FileCheck(path, BAD, "a damaged file", None, (fault,))
    entry = entry_at(path, models)
    try:
        what, faults, notes = content_of(path, entry)
    except InputError as error:
        return FileCheck(path, BAD, "a file that cannot be read", None, (str(error),))
    if fault := checksum_fault(path):
        faults = (*faults, fault)
    sha256 = sha256_of(path, progress)
    state, told = _hash_state(path, entry, sha256, models)
    if faults:
        state = BAD
    return FileCheck(path, state, what, sha256, (*faults, *told, *notes))


def entry_at(path: Path, models: Path) -> Entry | None:
    """The catalogue's entry whose place or name a file has, as it comes or converted."""
    for entry in CATALOG:
        for name in (*entry.stored, *entry.files):
            if path.absolute() == (models / entry.kind / name).absolute():
                return entry
    for entry in CATALOG:
        for name in entry.files:
            parts = Path(name).parts
            if path.absolute().parts[-len(parts) :] == parts:
                return entry
    return None


def official_fault(entry: Entry, path: Path) -> str | None:
    """Why a file that was downloaded is not what the entry names, by its keys and shapes."""
    if entry.key not in SLOTS:
        return None
    seen = look(read_state(path), entry.key)
    if seen.faults:
        return "; ".join(seen.faults)
    return None if seen.official else "has other sizes than the paper's network"


def content_of(path: Path, entry: Entry | None) -> tuple[str, tuple[str, ...], tuple[str, ...]]:
    """What a file is, what is wrong with it, what else to say.

    Values are read only of what has no list of tensors: pickles and arrays. Raises InputError
    where it cannot be read.
    """
    if path.name in ("vocab.json", "merges.txt"):
        return (entry.purpose if entry else "a text file"), (), ()
    if path.suffix == ".obj":
        bare = b"\nvt " not in path.read_bytes()
        fault = (f"{path.name} has no texture coordinates (lines of vt)",) if bare else ()
        return (entry.purpose if entry else "a mesh"), fault, ()
    flame = entry is not None and entry.kind == "flame"
    if not flame and path.suffix in _TORCH:
        state = read_state(path)
        seen = look(state, entry.key if entry and entry.key in SLOTS else None)
        what = seen.what + (f", {len(state)} tensors" if len(state) > 1 else "")
        if seen.kind == "combined":
            what += f", {read_metadata(path).get('dtype', 'of unknown type')}"
        known = seen.kind not in (None, "lora") and not seen.faults
        other = known and not seen.official and seen.kind != "unet_part"
        return what, seen.faults, ("of other sizes than the paper's",) if other else ()
    if path.suffix == ".safetensors":
        tensors = read_state(path)
        return (entry.purpose if entry else f"{len(tensors)} tensors"), (), ("converted",)
    found = recognise(path)
    wrong = entry is not None and entry.key != found.key and not _same_form(entry.key, found.key)
    fault = (f"holds {_purpose(found.key)}, where {entry.purpose} should be",) if wrong else ()
    return _purpose(found.key), fault, ()


def _hash_state(
    path: Path, entry: Entry | None, sha256: str, models: Path
) -> tuple[str, tuple[str, ...]]:
    if entry is None or path.name in entry.stored:
        return UNVERIFIED, ("nothing is known of its hash",)
    folder = models / entry.kind
    record = read_records(folder).get(entry.name) if path == folder / entry.name else None
    if record is not None and record.sha256 != sha256:
        return BAD, (f"was downloaded with sha256 {record.sha256} and has changed since",)
    if record is not None and record.verified:
        return VERIFIED, ()
    if entry.sha256 is not None:
        if entry.sha256 == sha256:
            return VERIFIED, ()
        return UNVERIFIED, (
            f"its sha256 is not the catalogue's ({entry.sha256}): another export, or damaged",
        )
    known = "its hash is the one recorded at its download" if record else "no hash is published"
    return UNVERIFIED, (known,)


def _same_form(one: str, other: str) -> bool:
    """Files of these entries look alike: FLAME's models, and the two lids."""
    forms = (lambda k: k.startswith("flame20"), lambda k: k.endswith("_eyelid"))
    return any(form(one) and form(other) for form in forms)


def _purpose(key: str) -> str:
    return next(entry.purpose for entry in CATALOG if entry.key == key)


def _present(models: Path) -> list[Path]:
    """Every file of weights in the folders of all kinds."""
    found = []
    for kind in KINDS:
        for path in sorted((models / kind).rglob("*")):
            hidden = any(p.startswith(".") for p in path.relative_to(models).parts)
            if path.suffix.lower() in _SUFFIXES and path.is_file() and not hidden:
                found.append(path)
    return found
