"""Which files of weights are there, for the badge on the nodes that load them."""

from __future__ import annotations

from pathlib import Path

import folder_paths

from ..magicportrait_core.diffusion.model_folders import ModelFolders
from ..magicportrait_core.weights.catalog import CATALOG, DIFFUSION, HEADS, Entry, size_text

#: what the model loader cannot do without, unless one combined file holds it all
_NETWORKS = ("denoising_unet", "reference_unet", "guidance_depth", "guidance_normal")
_NETWORKS += ("guidance_render",)


def weights_state() -> dict:
    """{"model", "head"} -> {"ready", "summary", "files": [...]}; no path of the machine is told."""
    heads = [_state(entry) for entry in CATALOG if entry.kind == "flame"]
    models = [_state(entry) for entry in DIFFUSION]
    head_keys = {entry.key for entry in HEADS}
    there = [file["purpose"] for file in heads if file["key"] in head_keys and file["present"]]
    needed = [file for file in models if file["key"] in _NETWORKS]
    count = sum(file["present"] for file in needed)
    whole = ModelFolders(tuple(_folders("magicportrait"))).combined() is not None
    for file in models:
        file["needed"] = file["key"] in _NETWORKS and not whole
    summary = f"{count} of {len(needed)} networks installed"
    if whole:
        summary = "one file with all networks installed"
    found = f"{len(there) or 'no'} head model{'s' * (len(there) > 1)} installed"
    return {
        "model": {"ready": whole or count == len(needed), "summary": summary, "files": models},
        "head": {"ready": bool(there), "summary": found, "files": heads},
    }


def _folders(kind: str) -> list[Path]:
    """Where files of a kind may lie: as the host has it, or in its models folder."""
    try:
        return [Path(folder) for folder in folder_paths.get_folder_paths(kind)]
    except KeyError:
        return [Path(folder_paths.models_dir) / kind]


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
        "downloadable": entry.remote is not None,
        "present": any(entry.found_in(folder) for folder in _folders(entry.kind)),
        "needed": False,
    }
