"""Where models lie: a folder for each kind of them inside one models folder."""

from __future__ import annotations

import os
import sys
from pathlib import Path

from ..errors import InputError

VARIABLE = "MAGICPORTRAIT_MODELS"
KINDS = ("flame", "magicportrait")  #: head models and what trackers need; diffusion networks


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
    folder = models_folder(models) / kind
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
