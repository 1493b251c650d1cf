"""Official files into their places: converted where that is due, else copied and known again."""

from __future__ import annotations

import os
import shutil
from collections.abc import Mapping
from pathlib import Path, PurePosixPath

from torch import Tensor

from ..diffusion.checkpoints.combined import DTYPES, catalogued
from ..diffusion.checkpoints.identify import KINDS as CONTENTS
from ..diffusion.checkpoints.identify import identify
from ..diffusion.checkpoints.manifests import SLOTS, look
from ..diffusion.checkpoints.model_folders import (
    MOTION_FILE,
    PROMPT_FILE,
    VAE_FILE,
    combined_name,
    is_sd15_name,
)
from ..errors import InputError
from ..files import replacing
from ..flame.importers.convert import SUFFIXES as HEAD_SUFFIXES
from ..flame.importers.convert import ImportReport, import_file
from ..flame.importers.recognise import UnknownFile
from ..types import Progress, no_progress
from ..weights.advice import command
from ..weights.catalog import DIFFUSION, entry_of
from ..weights.folders import kind_folder, models_folder
from ..weights.records import sha256_of
from ..weights.state_files import is_safetensors, read_state

#: endings of files that may be the diffusion models'
_SUFFIXES = (".safetensors", ".pth", ".pt", ".bin", ".ckpt")
_TOKENIZER = {"vocab.json": "sd15_vocab", "merges.txt": "sd15_merges"}
_GUIDANCE = ("depth", "normal", "render")
#: kinds that are found with any of _SUFFIXES
_IN_MANY_FORMS = ("vae", "unet", "text_encoder")
_SD15_MARK = "sd15_"  #: before the name of a checkpoint that does not call itself so


def import_any(
    path: str | os.PathLike,
    models: str | os.PathLike | None = None,
    *,
    declared: str | None = None,
    progress: Progress = no_progress,
) -> ImportReport:
    """Put one official file into the models folder; the original stays.

    Files of head models are converted; the diffusion models' are copied under the name by which
    they are found. What a file is, is told by its content.

    Args:
        declared: what the file is, where its content leaves a choice: one of `flame.NAMES`, or a
            key of the catalogue's diffusion files ("guidance_depth").

    Raises InputError, which names the file, where it is damaged or nothing of ours.
    """
    path = Path(path)
    if path.is_dir():
        raise InputError(f"{path} is a folder: name the files in it.")
    if not path.is_file():
        raise InputError(f"{path} does not exist.")
    if path.name in _TOKENIZER:
        if declared not in (None, _TOKENIZER[path.name]):
            raise InputError(f"{path.name} is of the tokenizer, so it cannot be {declared}.")
        return _place(path, entry_of(_TOKENIZER[path.name]).name, models, progress)
    keys = {entry.key for entry in DIFFUSION}
    if path.suffix.lower() in _SUFFIXES and (declared in keys or _is_diffusion(path)):
        return _import_diffusion(path, models, declared, progress)
    if declared in keys:
        raise InputError(f"{path.name} is no file of tensors, so it cannot be {declared}.")
    folder = models_folder(models) / "flame"
    try:
        return import_file(path, folder, declared=declared, progress=progress)
    except UnknownFile:
        raise
    except InputError as error:
        if path.suffix.lower() in HEAD_SUFFIXES:
            raise
        listed = command("weights list")
        raise UnknownFile(f"{path.name} is none of the files of {listed}.") from error


def _is_diffusion(path: Path) -> bool:
    """Whether its tensors are those of a diffusion file. Raises InputError where damaged."""
    try:
        return identify(read_state(path)) is not None
    except InputError:
        if path.suffix.lower() in (".pt", ".bin"):
            return False  # the importer of head models says what it is
        raise


def _import_diffusion(
    path: Path, models: str | os.PathLike | None, declared: str | None, progress: Progress
) -> ImportReport:
    if declared is not None and declared not in SLOTS:
        raise InputError(
            f"{path.name} is a diffusion file, which cannot be {declared}: use --as with one of "
            f"{', '.join(SLOTS)}."
        )
    state = read_state(path)
    seen = look(state, declared)
    if seen.kind == "lora":
        raise InputError(f"{path.name} is a LoRA: put it into the models folder's loras.")
    if seen.faults:
        raise InputError(f"{path.name} was not copied: {'; '.join(seen.faults)}.")
    if seen.kind in ("combined", "prompt") and not is_safetensors(path):
        raise InputError(
            f"{path.name} holds {seen.what}, which is read from .safetensors only: take the "
            f"official files, and make one by {command('weights convert')}."
        )
    if seen.kind == "combined":
        name = combined_name(_dtype_of(state))
    else:
        name = entry_of(declared).name if declared else _own_name(path, seen.kind)
    suffix = Path(name).suffix
    if suffix != ".safetensors":  # the paper's files: of two names
        suffix = ".safetensors" if is_safetensors(path) else suffix
    elif seen.kind in _IN_MANY_FORMS:
        suffix = path.suffix.lower()
    name = str(PurePosixPath(name).with_suffix(suffix))
    return _place(path, name, models, progress, seen.what)


def _dtype_of(state: Mapping[str, Tensor]) -> str:
    """Of a combined file: its type of numbers, one of DTYPES; fp32 for any other, which is cast."""
    dtype = state["denoising_unet.conv_in.weight"].dtype
    return next((name for name, own in DTYPES.items() if own == dtype), "fp32")


def _own_name(path: Path, kind: str) -> str:
    """The name below models/magicportrait that a file of this content is found by."""
    low = path.name.lower()
    by_content = {
        "denoising_unet": "denoising_unet.pth",
        "reference_unet": "reference_unet.pth",
        "motion_module": MOTION_FILE,
        "vae": VAE_FILE,
        "prompt": PROMPT_FILE,
        "text_encoder": entry_of("sd15_text_encoder").name,
        "checkpoint": path.name if is_sd15_name(low) else _SD15_MARK + path.name,
    }
    if kind in by_content:
        return by_content[kind]
    if kind == "guidance_encoder":
        named = [of for of in _GUIDANCE if of in low]
        if len(named) == 1:
            return f"guidance_encoder_{named[0]}.pth"
        raise _unclear(path, kind, [f"guidance_{of}" for of in _GUIDANCE])
    for key in ("denoising_unet", "reference_unet"):
        if key in low:
            return f"{key}.pth"
    if kind == "unet" and low.startswith("diffusion_pytorch_model"):
        return entry_of("sd15_unet").name
    raise _unclear(path, kind, ["denoising_unet", "reference_unet", "sd15_unet"])


def _unclear(path: Path, kind: str, keys: list[str]) -> InputError:
    return InputError(
        f"{path.name} holds {CONTENTS[kind]}, and its name does not tell which: say it by --as "
        f"{', '.join(keys[:-1])} or {keys[-1]}."
    )


def _place(
    path: Path,
    name: str,
    models: str | os.PathLike | None,
    progress: Progress,
    what: str | None = None,
) -> ImportReport:
    """Copy a file into its place, unless it is there."""
    folder = kind_folder("magicportrait", models)
    target = folder / name
    entry = catalogued(target)
    if entry and name in entry.files:
        target = entry.found_in(folder) or target  # it may be there under its other name
    sha256 = sha256_of(path, progress)
    notes = ()
    if target.exists():
        if not target.samefile(path) and sha256_of(target, progress) != sha256:
            raise InputError(
                f"{target} is there already and differs from {path.name}: take it away first."
            )
        notes = ("is in its place already",)
    else:
        target.parent.mkdir(parents=True, exist_ok=True)
        with replacing(target) as temporary:
            shutil.copyfile(path, temporary)
    licence = entry.licence if entry else "not known here: read it where the file was taken from"
    told = what or (entry.purpose if entry else "a file")
    key = entry.key if entry else "diffusion"
    return ImportReport(key, target, told, path.name, licence, sha256, notes)
