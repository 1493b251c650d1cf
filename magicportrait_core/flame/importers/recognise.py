"""Which official file a file is, told by what is in it and never by its name."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from zipfile import is_zipfile

from ...errors import InputError
from ...weights.advice import whereabouts
from ...weights.arrays import MAGIC, load_npy, open_npz
from ...weights.checkpoints import OLD_MAGIC, load_checkpoint
from ...weights.safe_pickle import load_pickle
from . import eyelids, gnm, landmarks, model, regressors, template, texture


class UnknownFile(InputError):
    """A file that is whole, and none of those that are imported."""


@dataclass(frozen=True)
class Recognised:
    """What a file is."""

    key: str  #: of its entry in the catalogue
    content: object = None  #: where it was read whole to tell; None for .npz and .obj


_NPZ = (
    ("flame_texture", texture.is_texture),
    ("flame_mesh_points", landmarks.is_mesh_points),
    ("gnm_head", gnm.is_gnm),
)
_CHECKPOINTS = (("deca", regressors.is_deca), ("smirk", regressors.is_smirk))


def recognise(path: Path) -> Recognised:
    """Look into a file. Raises UnknownFile, or InputError where it is damaged or refused."""
    if not path.is_file():
        raise InputError(f"{path} does not exist.")
    with path.open("rb") as file:
        start = file.read(16)
    if start.startswith(MAGIC):
        return _npy(path)
    if start.startswith(b"PK"):
        return _archive(path)
    if start.startswith(OLD_MAGIC[:10]):
        return _checkpoint(path)
    if start[8:9] == b"{" and path.suffix == ".safetensors":
        raise UnknownFile(f"{path.name} needs no import: put it into the models folder as it is.")
    if template.is_template(path):
        return Recognised("flame_uv")
    content = load_pickle(path)
    if model.is_model(content):
        return Recognised(_flame_key(path.name), content)
    raise _unknown(path, content)


def _npy(path: Path) -> Recognised:
    content = load_npy(path)
    if landmarks.is_embedding(content):
        return Recognised("flame_landmarks", content)
    if eyelids.is_eyelid(content):
        right = eyelids.side_by_name(path.name) == "right"
        return Recognised("right_eyelid" if right else "left_eyelid")
    raise _unknown(path, content)


def _archive(path: Path) -> Recognised:
    if path.suffix.lower() != ".npz" and not is_zipfile(path):  # its end is missing
        return _checkpoint(path)
    with open_npz(path) as file:
        names = file.headers
    for key, fits in _NPZ:
        if fits(names):
            return Recognised(key)
    if names:
        raise _unknown(path, names)
    return _checkpoint(path)


def _checkpoint(path: Path) -> Recognised:
    content = load_checkpoint(path)
    for key, fits in _CHECKPOINTS:
        if fits(content):
            return Recognised(key, content)
    raise _unknown(path, content)


def _flame_key(name: str) -> str:
    guess = model.guess_name(name)
    if not guess.startswith("flame2023"):
        return "flame2020"
    return "flame2023_open" if guess.endswith("open") else "flame2023"


def _unknown(path: Path, content: object) -> UnknownFile:
    held = f"a {type(content).__name__}"
    if isinstance(content, Mapping):
        names = [str(key) for key in content]
        held = ", ".join(names[:4]) + (" ..." if len(names) > 4 else "")
    return UnknownFile(
        f"{path.name} is none of the files that are imported (it holds {held[:200] or 'nothing'}): "
        f"{whereabouts()} those come from."
    )
