"""What lies converted in models/flame: head models, their parts, the trackers' networks.

A host may have several such folders: a head's parts and the networks need not lie beside it.
"""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

from safetensors import SafetensorError, safe_open
from torch import Tensor

from ...checks import check_choice
from ...errors import InputError
from ...weights.advice import importing
from ...weights.catalog import HEADS, Entry, entry_of, head_entry_named
from ...weights.folders import Folders, find_file, folder_list, folder_names
from ..gnm import gnm_landmarks
from ..head_model import HeadModel
from .files import KIND, PARTS, load_head, load_part, with_parts
from .regressor_files import NETWORKS, load_regressor, regressor_file

AUTO = "auto"
FIRST = "flame2020_generic"  #: what auto prefers: the basis of DECA's and SMIRK's codes
_HEAD_PARTS = tuple(part for part in PARTS if part != "texture")
_KEYS = {"texture": "flame_texture", "deca": "deca", "smirk": "smirk"}


def head_file(name: str) -> str:
    """The name of a head model's file."""
    return f"{name}.safetensors"


def part_file(part: str) -> str:
    """The name of the file of one of PARTS."""
    return f"flame_{part}.safetensors"


def head_metadata(folder: Folders) -> dict[str, dict[str, str]]:
    """What the files of a folder's head models say of them, by name: auto's first.

    name, family, licence ...: see `files.save_head`.
    """
    found: dict[str, dict[str, str]] = {}
    for path in (p for f in folder_list(folder) for p in sorted(f.glob("*.safetensors"))):
        if path.stem in found:
            continue
        try:
            with safe_open(path, "pt") as file:
                metadata = file.metadata() or {}
        except (SafetensorError, OSError):
            continue
        if metadata.get("kind") == KIND:
            found[path.stem] = metadata

    def rank(name: str) -> tuple[bool, bool, str]:
        return name != FIRST, found[name].get("family") != "flame", name

    return {name: found[name] for name in sorted(found, key=rank)}


def head_files(folder: Folders) -> dict[str, Path]:
    """The head models of a folder, by name: first the one that auto takes."""
    return {name: find_file(folder, head_file(name)) for name in head_metadata(folder)}


def heads(folder: Folders) -> list[str]:
    """The names that :func:`open_head` takes, first the one that auto takes."""
    return list(head_files(folder))


def open_head(folder: Folders, name: str = AUTO) -> HeadModel:
    """A head model with its parts.

    auto takes FLAME 2020 generic, else another FLAME, else GNM. Raises InputError where there is
    none, or none of that name: what to get and where.
    """
    files = head_files(folder)
    if not files:
        check_readable(folder)
        first = folder_list(folder)[0]
        flame, gnm = (entry_of(key).how_to_get(first) for key in ("flame2020", "gnm_head"))
        raise InputError(f"No head model is in {folder_names(folder)}. Either: {flame} Or: {gnm}")
    if name == AUTO:
        name = next(iter(files))
    elif name not in files:
        check_readable(folder, name)
        raise InputError(
            f"There is no head model {name} in {folder_names(folder)}, there are "
            f"{', '.join(files)}: {importing('its file', folder_list(folder)[0], name='NAME')}."
        )
    head = replace(load_head(files[name]), name=name)
    if head.family != "flame":
        return replace(head, landmarks=gnm_landmarks(head))
    paths = {part: find_file(folder, part_file(part)) for part in _HEAD_PARTS}
    parts = {part: load_part(path, part) for part, path in paths.items() if path is not None}
    return with_parts(head, parts)


def check_readable(folder: Folders, name: str | None = None) -> None:
    """Raise InputError, which names it, for a file that is damaged and may be a head model's.

    name: of the head model; None: of any.
    """
    known = {entry.key for entry in HEADS}
    for path in (p for f in folder_list(folder) for p in sorted(f.glob("*.safetensors"))):
        entry = head_entry_named(path.name)
        if name not in (None, path.stem) or (entry is not None and entry.key not in known):
            continue
        try:
            with safe_open(path, "pt"):
                pass
        except (SafetensorError, OSError):
            load_head(path)


def open_texture(folder: Folders) -> dict[str, Tensor]:
    """FLAME's texture space: mean (3, 256, 256), basis (50, 3, 256, 256), RGB 0..1."""
    return load_part(_existing(folder, part_file("texture"), "texture"), "texture")


def open_regressor(folder: Folders, network: str) -> dict[str, Tensor]:
    """The state dict of a tracker's network: "deca" or "smirk"."""
    check_choice("network", network, NETWORKS)
    return load_regressor(_existing(folder, regressor_file(network), network), network)


def _existing(folder: Folders, file: str, what: str) -> Path:
    path = find_file(folder, file)
    if path is None:
        raise InputError(_missing(entry_of(_KEYS[what]), folder_list(folder)))
    return path


def _missing(entry: Entry, folders: tuple[Path, ...]) -> str:
    for folder in folders:
        if raw := entry.found_in(folder):
            return f"{raw.name} is not converted yet: {importing('it', folder, file=raw)}."
    return entry.how_to_get(folders[0])
