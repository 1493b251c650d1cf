"""The folders of models that this pack adds to the host's, extra_model_paths.yaml included."""

from __future__ import annotations

from contextlib import suppress
from pathlib import Path

import folder_paths

from ...magicportrait_core.weights.folders import KINDS

SUFFIXES = (".safetensors", ".sft", ".pth", ".pt", ".ckpt", ".bin", ".pkl", ".npz", ".tar", ".npy")
ABSENT = " (not installed)"  #: after the name of a known file in a list


def add_folders() -> None:
    """models/flame and models/magicportrait, after what the user's own paths name.

    They are made, as the host's own are: there is a place to put files.
    """
    for kind in KINDS:
        folder = Path(folder_paths.models_dir) / kind
        with suppress(OSError):  # a models folder that is not to be written to
            folder.mkdir(parents=True, exist_ok=True)
        folder_paths.add_model_folder_path(kind, str(folder))


def folders_of(kind: str) -> tuple[Path, ...]:
    """The folders of a kind; a download goes to the first."""
    return tuple(Path(folder) for folder in folder_paths.get_folder_paths(kind))


def files_of(kind: str) -> list[str]:
    """Names of the files that lie there, below their folder."""
    found = folder_paths.get_filename_list(kind)
    return [name for name in found if name.lower().endswith(SUFFIXES)]


def path_of(kind: str, name: str) -> Path | None:
    """Where a file lies, by the name that a list shows; None where it is in no folder."""
    path = folder_paths.get_full_path(kind, name.removesuffix(ABSENT))
    return None if path is None else Path(path)


def listed(kind: str, known: list[str]) -> list[str]:
    """What a list offers: the files there are, then known ones that are absent, marked so."""
    there = files_of(kind)
    return [*there, *(name + ABSENT for name in known if name not in there)]
