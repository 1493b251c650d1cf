"""Which files a MODEL is read from: what the user chose, else what lies where it belongs."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from ...magicportrait_core.diffusion.checkpoints.identify import identify
from ...magicportrait_core.diffusion.checkpoints.model_files import KEYS, PARTS, ModelFiles
from ...magicportrait_core.diffusion.checkpoints.model_folders import MOTION_FILE, ModelFolders
from ...magicportrait_core.errors import InputError
from ...magicportrait_core.types import Progress, no_progress
from ...magicportrait_core.weights.advice import command, models_option
from ...magicportrait_core.weights.catalog import how_to_get_all
from ...magicportrait_core.weights.download import download
from ...magicportrait_core.weights.state_files import read_state
from .model_folders import ABSENT, folders_of, path_of

KIND = "magicportrait"
AUTO = "auto"
MODEL, MOTION = "denoising_unet", "motion_module"
COMBINED = "magicportrait_fp16.safetensors"
#: part -> the official file
OFFICIAL = {part: f"{part}.pth" for part in PARTS} | {MOTION: MOTION_FILE}


def choose_files(
    chosen: Mapping[str, str], fetch: bool = False, progress: Progress = no_progress
) -> ModelFiles:
    """The files of every part; no weights are read.

    Args:
        chosen: part of OFFICIAL -> a name from its list, or AUTO: of a combined file, else the
            official one. A combined file chosen for MODEL is auto for the other parts.
        fetch: whether what is missing and may be downloaded is.
        progress: of a download; it may raise to cancel.

    Raises InputError, one message that says of every missing file how to get it.
    """
    folders = _folders()
    named = {part: _chosen(part, name) for part, name in chosen.items() if name != AUTO}
    spare = folders.combined()
    whole = spare if MODEL not in named else _combined(named[MODEL])
    found = {
        part: named.get(part)
        or whole
        or folders.file(OFFICIAL[part])
        or (spare if part != MODEL else None)
        for part in PARTS
    }
    motion = named.get(MOTION) or (None if whole else folders.file(MOTION_FILE))
    missing = [part for part, path in found.items() if path is None]
    if motion is None and (MODEL in missing or MOTION in named):
        missing.append(MOTION)
    if missing and not fetch:
        raise InputError(
            how_to_get_all([KEYS.get(part, part) for part in missing], folders_of(KIND)[0])
        )
    for part in missing:
        found[part] = download(KEYS.get(part, part), folders_of(KIND)[0], progress)
    motion = found.pop(MOTION, motion)
    base = None if whole else folders.base_unet()
    parts = {part: (path,) for part, path in found.items()}
    parts[MODEL] = tuple(path for path in (base, motion, found[MODEL]) if path)
    parts["reference_unet"] = tuple(path for path in (base, found["reference_unet"]) if path)
    return ModelFiles(parts, None, None)


def _folders() -> ModelFolders:
    """The host's, extra_model_paths.yaml included."""
    own = {name: folders_of(name) for name in ("vae", "checkpoints", "diffusers")}
    return ModelFolders(folders_of(KIND), **own)


def _chosen(part: str, name: str) -> Path | None:
    """Where a named file lies; None for an official one that is absent.

    Raises InputError for any other that is absent.
    """
    path, name = path_of(KIND, name), name.removesuffix(ABSENT)
    if path is not None or name == OFFICIAL[part]:
        return path
    folder = folders_of(KIND)[0]
    if name == COMBINED:
        option = models_option(folder, KIND)
        way = "" if option is None else command(f"weights convert{option}") + " makes it; or "
        raise InputError(
            f"{name} is not in {folder}, and the official files do as well: {way}choose auto, "
            "which takes those as they are."
        )
    raise InputError(f"{name} is not in {folder}: choose a file that is there, or put it there.")


def _combined(path: Path | None) -> Path | None:
    """The file itself where it holds all parts."""
    return path if path is not None and identify(read_state(path)) == "combined" else None


def files_state(chosen: Mapping[str, str]) -> str:
    """Changes as the files do; for fingerprint_inputs."""
    try:
        files = choose_files(chosen)
    except InputError as error:
        return str(error)
    stats = ((path, path.stat()) for paths in files.parts.values() for path in paths)
    return " ".join(f"{path} {s.st_mtime_ns} {s.st_size}" for path, s in stats)


def known_files(part: str) -> list[str]:
    """Names that a part's list shows though they are absent."""
    return [COMBINED, OFFICIAL[part]] if part == MODEL else [OFFICIAL[part]]
