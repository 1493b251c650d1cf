"""Official files, as they were downloaded, into this package's own safetensors.

Everything is told by content. Foreign files are read by `weights.safe_pickle` and torch's
`weights_only`; at run time only what is written here is read. The original stays where it is.
"""

from __future__ import annotations

import os
import warnings
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from safetensors import SafetensorError, safe_open

from ...errors import InputError, MagicPortraitWarning
from ...types import Progress, no_progress
from ...weights.advice import whereabouts
from ...weights.arrays import open_npz
from ...weights.catalog import head_entry_named
from ...weights.faults import Unreadable
from ...weights.folders import make_folder
from ...weights.records import sha256_of
from ..head_model import HeadModel
from ..library.files import load_head, save_head, save_part
from ..library.library import head_file, head_files, part_file
from ..library.regressor_files import regressor_file, save_regressor
from . import eyelids, gnm, landmarks, model, regressors, template, texture
from .recognise import UnknownFile, recognise
from .source import Source

#: endings of the files that are looked into in a folder
SUFFIXES = (".pkl", ".npz", ".npy", ".obj", ".tar", ".pt")


@dataclass(frozen=True)
class ImportReport:
    """What became of a file."""

    kind: str  #: the key of its entry in the catalogue
    output: Path | None  #: what was written; None: it waits for another file
    what: str  #: it is, in words
    source: str  #: the file's name
    licence: str
    sha256: str  #: of the file
    notes: tuple[str, ...] = ()  #: what was guessed or replaced


def import_file(
    path: str | os.PathLike,
    folder: str | os.PathLike,
    *,
    declared: str | None = None,
    progress: Progress = no_progress,
) -> ImportReport:
    """Convert one official file into ``folder`` (models/flame), made where it is missing.

    Args:
        declared: which head model a FLAME pickle is, one of `flame.NAMES` or a name of the
            user's; files of different models have equal shapes. None: guessed from its name.

    Raises:
        InputError: it names the file, what was expected and where the right one comes from.
    """
    path, folder = Path(path), Path(folder)
    try:
        return _imported(path, folder, declared, progress)
    except (Unreadable, UnknownFile) as error:
        expected = head_entry_named(path.name)
        if expected is not None:  # no other file's business, though it holds something else
            raise InputError(
                f"{error} By its name it is {expected.purpose}: {expected.right_one}."
            ) from error
        if isinstance(error, UnknownFile):
            raise
        told = whereabouts("which files are imported, and where they come from")
        raise Unreadable(f"{error} {told[0].upper()}{told[1:]}.") from error


def _imported(path: Path, folder: Path, declared: str | None, progress: Progress) -> ImportReport:
    found = recognise(path)
    source = Source(path, sha256_of(path, progress), found.key)
    if found.key in _HEADS:
        make_folder(folder)
        return _import_model(found.content, source, folder, declared)
    if declared is not None:
        raise InputError(f"{source.name} is no FLAME model, so it cannot be named {declared}.")
    make_folder(folder)
    if found.key in _EYELIDS:
        return _import_eyelids(source, folder)
    if found.key == "gnm_head":
        with open_npz(path) as file:
            head = gnm.read_gnm(file, source)
        return _save_head(head, source, folder, ())
    if found.key in _NETWORKS:
        read = _NETWORKS[found.key]
        tensors = read(found.content, source)
        output = folder / regressor_file(found.key)
        notes = _replaced(output, source)
        save_regressor(output, found.key, tensors, source.metadata())
    else:
        part, tensors = _read_part(found.key, found.content, source, progress)
        output = folder / part_file(part)
        notes = _replaced(output, source)
        save_part(output, part, tensors, source.metadata())
    return _report(source, output, source.entry.purpose, notes)


_HEADS = ("flame2020", "flame2023", "flame2023_open")
_EYELIDS = ("left_eyelid", "right_eyelid")
_NETWORKS: dict[str, Callable] = {"deca": regressors.read_deca, "smirk": regressors.read_smirk}


def import_folder(
    folder: str | os.PathLike, progress: Progress = no_progress
) -> list[ImportReport]:
    """Convert what lies raw in ``folder`` and was not converted yet.

    A file is known again by name, size and time, else by its sha256. Files of other kinds are
    left alone; one that cannot be read is a MagicPortraitWarning.
    """
    folder = Path(folder)
    reports: list[ImportReport] = []
    for path in sorted(_raw_files(folder)):
        stamps, hashes = _converted(folder)
        stat = path.stat()
        if (path.name, f"{stat.st_size} {stat.st_mtime_ns}") in stamps:
            continue
        try:
            if sha256_of(path, progress) not in hashes:
                reports.append(import_file(path, folder, progress=progress))
        except UnknownFile:
            continue
        except InputError as error:
            warnings.warn(MagicPortraitWarning(str(error)), stacklevel=2)
    return reports


def folder_state(folder: str | os.PathLike) -> set[str]:
    """What lies in models/flame, as texts: changes as files come, go or are replaced.

    Converting changes nothing: what was made of a raw file that is here still counts as that file.
    """
    folder = Path(folder)
    raw = {path.name: path for path in _raw_files(folder)}
    own = (path for path in folder.glob("*.safetensors") if path.is_file())
    made = [path for path in own if not _sources(path) <= set(raw)]
    stats = {path.name: path.stat() for path in (*raw.values(), *made)}
    return {f"{name} {stat.st_size} {stat.st_mtime_ns}" for name, stat in stats.items()}


def _sources(path: Path) -> set[str]:
    """Names of the files that one of ours was made from; its own where it was not."""
    return set(_metadata(path).get("source_file", path.name).split(", "))


def _raw_files(folder: Path) -> list[Path]:
    """Files that may be official ones; not folders, nor links to nothing."""
    return [p for p in folder.glob("*") if p.suffix.lower() in SUFFIXES and p.is_file()]


def _converted(folder: Path) -> tuple[set[tuple[str, str]], set[str]]:
    """Of the files that were converted into a folder: (name, stamp), and the hashes."""
    stamps, hashes = set(), set()
    for path in folder.glob("*.safetensors"):
        made = _metadata(path)
        lists = [made.get(k, "").split(", ") for k in ("source_file", "source_stamp")]
        stamps |= set(zip(*lists, strict=False))
        hashes |= set(made.get("source_sha256", "").split(", "))
    return stamps, hashes


def _import_model(
    content: object, source: Source, folder: Path, declared: str | None
) -> ImportReport:
    name = model.check_name(declared or model.guess_name(source.name))
    notes = () if declared else (f"which FLAME it is was guessed from its name: {name}",)
    if declared and declared not in model.NAMES:
        notes = (f"{declared} is a name of your own; those known are {', '.join(model.NAMES)}",)
    return _save_head(model.convert_model(content, source, name), source, folder, notes)


def _save_head(
    head: HeadModel, source: Source, folder: Path, notes: tuple[str, ...]
) -> ImportReport:
    output = folder / head_file(head.name)
    notes += _replaced(output, source)
    published = source.entry.sha256
    if published and published != source.sha256:
        notes += (f"not the release that is known here, whose sha256 is {published}",)
    save_head(output, head)
    what = f"head model {head.name}, {head.num_vertices} vertices, basis {head.basis}"
    return _report(source, output, what, notes)


def _import_eyelids(source: Source, folder: Path) -> ImportReport:
    other = eyelids.partner_of(source.path, (folder,))
    if other is None:
        return _report(source, None, source.entry.purpose, (eyelids.right_one(source),))
    flames = [path for path in head_files(folder).values() if _metadata(path)["family"] == "flame"]
    head = next((load_head(path).template for path in flames), None)
    tensors, paths, note = eyelids.eyelid_basis((source.path, other), head)
    sources = [
        source if path == source.path else Source(path, sha256_of(path), key)
        for path, key in zip(paths, _EYELIDS, strict=True)
    ]
    left, right = (s.metadata() for s in sources)
    merged = {k: v if v == right[k] else f"{v}, {right[k]}" for k, v in left.items()}
    output = folder / part_file("eyelids")
    notes = (*_replaced(output, *sources), *([note] if note else []))
    save_part(output, "eyelids", tensors, merged)
    what = f"both eyelids of FLAME, {paths[0].name} left and {paths[1].name} right"
    return _report(source, output, what, notes)


def _read_part(key: str, content: object, source: Source, progress: Progress) -> tuple[str, dict]:
    if key == "flame_landmarks":
        return "landmarks", landmarks.read_embedding(content, source)
    if key == "flame_uv":
        return "uv", template.read_template(source)
    with open_npz(source.path) as file:
        if key == "flame_texture":
            return "texture", texture.read_texture(file, source, progress)
        return "mesh_points", landmarks.read_mesh_points(file, source)


def _replaced(output: Path, *sources: Source) -> tuple[str, ...]:
    """A note where another file's conversion is overwritten."""
    if not output.is_file():
        return ()
    made = _metadata(output)
    if made.get("source_sha256") == ", ".join(s.sha256 for s in sources):
        return ()
    return (f"{output.name}, made from {made.get('source_file', 'another file')}, was replaced",)


def _report(source: Source, output: Path | None, what: str, notes: tuple[str, ...]) -> ImportReport:
    licence = source.entry.licence
    return ImportReport(source.key, output, what, source.name, licence, source.sha256, notes)


def _metadata(path: Path) -> dict[str, str]:
    try:
        with safe_open(path, "pt") as file:
            return file.metadata() or {}
    except (SafetensorError, OSError):
        return {}
