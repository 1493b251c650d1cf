"""Files of the host's own folders: nothing a workflow names leads outside them."""

from __future__ import annotations

import os
from pathlib import Path

import folder_paths
from comfy_execution.utils import get_executing_context

from ...magicportrait_core.errors import InputError

VIDEO_SUFFIXES = (".mp4", ".mov", ".mkv", ".webm", ".avi", ".m4v", ".gif", ".webp")


def list_videos() -> list[str]:
    """Names of the videos that lie in the input folder."""
    try:
        with os.scandir(folder_paths.get_input_directory()) as entries:
            return sorted(e.name for e in entries if e.name.lower().endswith(VIDEO_SUFFIXES))
    except OSError:  # a folder that is not there yet, or may not be read
        return []


def input_file(name: str) -> Path:
    """The file that a workflow names, in the input folder ("x.mp4", or "x.mp4 [output]").

    Raises InputError where the name leads out of its folder or where no such file is.
    """
    if not name:
        raise InputError("no video is chosen: upload one, or wire the video or frames input")
    bare, folder = folder_paths.annotated_filepath(name)
    base = os.path.abspath(folder or folder_paths.get_input_directory())
    path = os.path.abspath(os.path.join(base, bare))
    if path == base or not path.startswith(os.path.join(base, "")):
        raise InputError(f"{name} lies outside the {Path(base).name} folder: upload it instead")
    if not os.path.isfile(path):
        raise InputError(f"{name} is not in the {Path(base).name} folder: upload it, or choose one")
    return Path(path)


def temp_file(kind: str, suffix: str = ".mp4") -> Path:
    """A new name in the host's temp folder, told by prompt, node and place in a list."""
    context = get_executing_context()
    parts = [context.prompt_id, context.node_id, str(context.list_index or 0)] if context else []
    stem = "_".join(["magicportrait", kind, *parts])
    stem = "".join(c if c.isalnum() or c in "_-" else "_" for c in stem)
    folder = Path(folder_paths.get_temp_directory())
    folder.mkdir(parents=True, exist_ok=True)
    path, n = folder / f"{stem}{suffix}", 1
    while path.exists():  # the same node asked for two, or a client reused a prompt id
        path, n = folder / f"{stem}_{n}{suffix}", n + 1
    return path
