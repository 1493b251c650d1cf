"""Which files of weights are there, for the badge on the nodes that load them."""

from __future__ import annotations

from pathlib import Path

import folder_paths

from ...magicportrait_core.diffusion.checkpoints.model_files import KEYS
from ...magicportrait_core.diffusion.checkpoints.model_folders import ModelFolders
from ...magicportrait_core.weights.catalog import CATALOG, HEADS, Entry, entry_of, size_text

_UNET, _MOTION, _BASE = "denoising_unet", "motion_module", "sd15_unet"


def weights_state() -> dict:
    """{"model", "head"} -> {"ready", "summary", "files": [...]}; no path of the machine is told."""
    return {"model": _model_state(), "head": _head_state()}


def _model_state() -> dict:
    """Counts the files that the loader counts: motion modules where the UNet may need them."""
    whole = ModelFolders(_folders("magicportrait")).combined()
    files = {key: _state(entry_of(key)) for key in (*KEYS.values(), _MOTION, _BASE)}
    counted = [file for key, file in files.items() if key not in (_MOTION, _BASE)]
    if files[_MOTION]["present"] or not files[_UNET]["present"]:
        counted.append(files[_MOTION])
    for file in counted:
        file["needed"] = whole is None
    count = sum(file["present"] for file in counted)
    summary = f"{count} of {len(counted)} files installed"
    if whole is not None:
        summary = f"{whole.name} installed"
    ready = whole is not None or count == len(counted)
    return {"ready": ready, "summary": summary, "files": list(files.values())}


def _head_state() -> dict:
    files = [_state(entry) for entry in CATALOG if entry.kind == "flame"]
    keys = {entry.key for entry in HEADS}
    count = sum(file["present"] for file in files if file["key"] in keys)
    summary = f"{count or 'no'} head model{'s' * (count > 1)} installed"
    return {"ready": count > 0, "summary": summary, "files": files}


def _folders(kind: str) -> tuple[Path, ...]:
    """Where files of a kind may lie: as the host has it, or in its models folder."""
    try:
        return tuple(Path(folder) for folder in folder_paths.get_folder_paths(kind))
    except KeyError:
        return (Path(folder_paths.models_dir) / kind,)


def _state(entry: Entry) -> dict:
    return {
        "key": entry.key,
        "purpose": entry.purpose,
        "file": entry.name,
        "folder": f"models/{entry.kind}",
        "size": None if entry.size is None else size_text(entry.size),
        "address": entry.address,
        "licence": entry.licence,
        "registration": entry.registration,
        #: by the node itself, where the user lets it
        "downloadable": entry.remote is not None and entry.key != _BASE,
        "present": any(entry.found_in(folder) for folder in _folders(entry.kind)),
        "needed": False,
    }
