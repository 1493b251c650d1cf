"""Which files a MODEL is read from: what the user chose, else what lies where it belongs."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from ..magicportrait_core.diffusion.model_files import MOTION_FILE, PARTS, ModelFiles
from ..magicportrait_core.errors import InputError
from ..magicportrait_core.types import Progress
from ..magicportrait_core.weights.catalog import entry_of
from ..magicportrait_core.weights.download import download
from .model_folders import folders_of, path_of

KIND = "magicportrait"
AUTO = "auto"
#: part -> key of its file in the catalogue
KEYS = {part: part.replace("guidance_encoder", "guidance") for part in PARTS}


def choose_files(
    chosen: Mapping[str, str], fetch: bool = False, progress: Progress | None = None
) -> ModelFiles:
    """The files of every part; nothing of them is read.

    Args:
        chosen: part (of PARTS) or "motion_module" -> a name from its list, or AUTO.
        fetch: whether what is missing and may be downloaded is.
        progress: of a download.

    Raises InputError that says of every missing file how to get it.
    """
    found = {part: _found(name, f"{part}.pth") for part, name in chosen.items() if part in PARTS}
    missing = [part for part, path in found.items() if path is None]
    if missing and fetch:
        for part in missing:
            found[part] = download(KEYS[part], folders_of(KIND)[0], progress)
        missing = []
    if missing:
        folder = folders_of(KIND)[0]
        raise InputError(" ".join(entry_of(KEYS[part]).how_to_get(folder) for part in missing))
    parts = {part: (path,) for part, path in found.items()}
    motion = _found(chosen.get("motion_module", AUTO), MOTION_FILE)
    if motion is not None:
        parts["denoising_unet"] = (motion, *parts["denoising_unet"])
    return ModelFiles(parts, None, None)


def _found(name: str, official: str) -> Path | None:
    return path_of(KIND, official if name == AUTO else name)
