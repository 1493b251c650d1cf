"""Where models lie: a folder for each kind of them inside one models folder."""

from __future__ import annotations

import os
import sys
from collections.abc import Sequence
from pathlib import Path

from ..errors import InputError

VARIABLE = "MAGICPORTRAIT_MODELS"
KINDS = ("flame", "magicportrait")  #: head models and what trackers need; diffusion networks

#: one folder of a kind, or several: a file is taken from the first that has it
Folders = str | os.PathLike | Sequence[str | os.PathLike]


def folder_list(folders: Folders) -> tuple[Path, ...]:
    """The folders, one by one. They need not exist; at least one is asked for."""
    one = isinstance(folders, str | os.PathLike)
    return (Path(folders),) if one else tuple(dict.fromkeys(map(Path, folders)))


def find_file(folders: Folders, name: str) -> Path | None:
    """The file of that name in the first of the folders that has it."""
    return next((p for p in (f / name for f in folder_list(folders)) if p.is_file()), None)


def folder_names(folders: Folders) -> str:
    """The folders as errors name them."""
    return " or ".join(map(str, folder_list(folders)))


def models_folder(chosen: str | os.PathLike | None = None) -> Path:
    """The models folder; it need not exist.

    The first of: ``chosen``; what $MAGICPORTRAIT_MODELS names; the models folder of the ComfyUI
    that this package is installed in as a node pack; a folder of the user's.
    """
    if chosen is not None:
        return Path(chosen).expanduser()
    if os.environ.get(VARIABLE):
        return Path(os.environ[VARIABLE]).expanduser()
    return comfyui_models(Path(__file__).absolute().parents[1]) or user_models()


def kind_folder(kind: str, models: str | os.PathLike | None = None) -> Path:
    """The folder of one of KINDS, inside :func:`models_folder`; made where it is missing."""
    if kind not in KINDS:
        raise ValueError(kind)
    return make_folder(models_folder(models) / kind)


def make_folder(folder: Path) -> Path:
    """A folder of the models folder, made where it is missing. Raises InputError."""
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise InputError(
            f"The folder {folder} cannot be made ({error.strerror}): name another one by "
            f"--models or in {VARIABLE}."
        ) from error
    return folder


def comfyui_models(package: Path) -> Path | None:
    """ComfyUI/models for a package at ComfyUI/custom_nodes/PACK/PACKAGE, told by paths alone."""
    nodes = package.parent.parent
    host = nodes.parent
    marks = (host / "main.py", host / "folder_paths.py")
    if nodes.name == "custom_nodes" and all(mark.is_file() for mark in marks):
        return host / "models"
    return None


def user_models() -> Path:
    """A folder of the user's, where the system keeps what programs download."""
    home = Path.home()
    if sys.platform == "win32":
        base = Path(os.environ.get("LOCALAPPDATA") or home / "AppData" / "Local")
    elif sys.platform == "darwin":
        base = home / "Library" / "Application Support"
    else:
        base = Path(os.environ.get("XDG_DATA_HOME") or home / ".local" / "share")
    return base / "magicportrait" / "models"
