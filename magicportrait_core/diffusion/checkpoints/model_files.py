"""Which files the diffusion models are read from.

A part may lie in several files, later ones over earlier ones: Stable Diffusion 1.5's UNet, the
motion file, the paper's own. Each may hold a part of the tensors; all together must hold exactly
those of the network (`read_part`).
"""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from torch import Tensor

from ...errors import InputError
from ...weights.advice import command
from ...weights.catalog import how_to_get_all
from ...weights.wholeness import refusal_of
from .model_folders import COMBINED, MOTION_FILE, ModelFolders
from .parts import PARTS, read_part_of

__all__ = ["PARTS", "ModelFiles", "check_whole", "find_model_files", "read_part"]

#: part -> key of its file in the catalogue
KEYS = {part: part.replace("guidance_encoder", "guidance") for part in PARTS}


@dataclass(frozen=True)
class ModelFiles:
    """Where each part is read from: paths only."""

    parts: Mapping[str, tuple[Path, ...]]  #: of PARTS -> files, in the order of loading
    vae: Path | None
    text: Path | None  #: the stored embedding of the prompt, or a text encoder

    @staticmethod
    def of_combined(path: str | os.PathLike) -> ModelFiles:
        """All of one file that `weights convert` wrote."""
        path = Path(path)
        return ModelFiles(dict.fromkeys(PARTS, (path,)), path, path)


def find_model_files(
    models: str | os.PathLike | ModelFolders,
    *,
    vae: bool = True,
    text: bool = True,
    combined: bool | str | os.PathLike = True,
    exact: bool = False,
) -> ModelFiles:
    """What is in a models folder; nothing is read.

    Args:
        models: the folder whose magicportrait/ holds the files, with ComfyUI's vae/, checkpoints/,
            diffusers/, text_encoders/ beside it; or folders of the caller's.
        vae, text: whether there must be a VAE, and a prompt's embedding or a text encoder.
        combined: a combined file; True takes one that is there before official files (of several
            fp32 before fp16 before bf16), False takes official files only.
        exact: where ``combined`` is True, official files go before one of half precision.

    Raises InputError that says of each missing file how to get it.
    """
    folders = ModelFolders.of(models)
    if combined is True:
        whole = folders.combined(COMBINED[:1] if exact else COMBINED)
    else:
        whole = Path(combined) if combined is not False else None
    if whole is not None:
        if not whole.is_file():
            raise InputError(f"{whole} does not exist: {command('weights convert')} makes one.")
        return ModelFiles.of_combined(whole)
    own = {part: folders.file(f"{part}.pth") for part in PARTS}
    motion, base = folders.file(MOTION_FILE), folders.base_unet()
    files = ModelFiles(
        {
            **{part: (path,) for part, path in own.items() if path},
            "denoising_unet": _present(base, motion, own["denoising_unet"]),
            "reference_unet": _present(base, own["reference_unet"]),
        },
        folders.autoencoder(),
        folders.text(),
    )
    missing = [KEYS[part] for part, path in own.items() if path is None]
    if own["denoising_unet"] is None and motion is None:
        missing.append("motion_module")
    if vae and files.vae is None:
        missing.append("vae")
    if text and files.text is None:
        missing.append("sd15_text_encoder")
    if missing and exact and combined is True and (whole := folders.combined()):
        return ModelFiles.of_combined(whole)
    if missing:
        raise InputError(how_to_get_all(missing, folders.own[0]))
    return files


def check_whole(files: ModelFiles) -> None:
    """Raise InputError for a file that is cut off or no file of tensors, as far as its beginning
    and end tell: in no time, before the long work."""
    paths = (*sum(files.parts.values(), ()), files.vae, files.text)
    for path in dict.fromkeys(path for path in paths if path is not None):
        if sentence := refusal_of(path):
            raise InputError(f"{path.parent}: {sentence}")


def read_part(files: ModelFiles, part: str) -> tuple[dict[str, Tensor], dict[str, int]]:
    """The state dict of one of PARTS, and how many of its tensors each file supplied.

    The tensors are on the disk until they are used. Raises InputError where a file is damaged,
    holds another part, or all together are not the network's tensors.
    """
    return read_part_of(part, files.parts[part])


def _present(*paths: Path | None) -> tuple[Path, ...]:
    return tuple(path for path in paths if path is not None)
