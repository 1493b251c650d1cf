"""Downloads of the diffusion models: one file, or all that are missing and needed."""

from __future__ import annotations

import os
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from ..diffusion.checkpoints.model_files import find_model_files
from ..diffusion.checkpoints.model_folders import ModelFolders
from ..diffusion.checkpoints.official_shapes import is_motion
from ..diffusion.checkpoints.parts import lacking_from
from ..errors import InputError
from ..types import Progress, no_progress
from ..weights.catalog import Entry, entry_of
from ..weights.download import download
from ..weights.folders import kind_folder, models_folder
from ..weights.records import read_records
from .check import official_fault

_ALWAYS = (
    "guidance_depth", "guidance_normal", "guidance_render", "vae", "sd15_text_encoder",
    "reference_unet", "denoising_unet",
)  # fmt: skip


@dataclass(frozen=True)
class Downloaded:
    """A file that came, or was there and was checked."""

    entry: Entry
    path: Path
    verified: bool  #: its hash was published or is the catalogue's

    @property
    def told(self) -> str:
        """What is known of it."""
        if self.verified:
            return "verified: its sha256 is the published one"
        return (
            "unverified: nobody has published its sha256; it is recorded and held to from now on, "
            "and its keys and shapes are the paper's"
        )


def download_entry(
    key: str, models: str | os.PathLike | None = None, progress: Progress = no_progress
) -> Downloaded:
    """Download one file of the catalogue, check hash, keys and shapes. Raises InputError."""
    entry = entry_of(key)
    folder = kind_folder(entry.kind, models)

    def check(path: Path) -> None:
        if fault := official_fault(entry, path):
            raise InputError(
                f"{entry.name} as it came from {entry.address} {fault}: it was not kept."
            )

    path = download(key, folder, progress, check)
    record = read_records(folder).get(entry.name)
    return Downloaded(entry, path, record.verified if record else entry.sha256 is not None)


def missing_keys(models: str | os.PathLike | None = None) -> tuple[str, ...]:
    """Keys of the files that a run lacks; () where all is here.

    The motion file and Stable Diffusion 1.5's UNet count as missing only where the paper's files,
    all of them here, need them; that is known once they are.
    """
    models = models_folder(models)
    folders = ModelFolders.of(models)
    if folders.combined():
        return ()
    served = {"vae": folders.autoencoder(), "sd15_text_encoder": folders.text()}
    lacking = [
        key
        for key in _ALWAYS
        if not (served[key] if key in served else folders.file(entry_of(key).name))
    ]
    if lacking:
        return tuple(lacking)
    files = find_model_files(folders, combined=False)
    lacks = {part: lacking_from(part, files.parts[part]) for part in _UNETS}
    motion = any(is_motion(key) for key in lacks["denoising_unet"])
    base = any(not is_motion(key) for keys in lacks.values() for key in keys)
    return ("motion_module",) * motion + ("sd15_unet",) * base


_UNETS = ("denoising_unet", "reference_unet")


def download_missing(
    models: str | os.PathLike | None = None, progress: Progress = no_progress
) -> Iterator[Downloaded]:
    """Download what a run lacks, one file after another; files that are here are left alone.

    What has come stays where a later one fails; the same call goes on from there. Raises
    InputError.
    """
    before = None
    while (keys := missing_keys(models)) and keys != before:
        before = keys
        for key in keys:
            yield download_entry(key, models, progress)
