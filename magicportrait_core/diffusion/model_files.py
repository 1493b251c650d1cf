"""Which files the diffusion models are read from, and reading them.

A part may lie in several files, later ones over earlier ones: Stable Diffusion 1.5's UNet, the
motion file, the paper's own. Each may hold a part of the tensors; all together must hold exactly
those of the network.
"""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from torch import Tensor

from ..errors import InputError
from ..weights.catalog import entry_of
from ..weights.state_files import read_state
from .loading import merge_states, strict_state
from .unused import drop_unused

PARTS = (
    "denoising_unet",
    "reference_unet",
    "guidance_encoder_depth",
    "guidance_encoder_normal",
    "guidance_encoder_render",
)
FOLDER = "magicportrait"  #: below the models folder
MOTION_FILE = "motion_module-47360.pth"
VAE_FILE = "sd-vae-ft-mse/diffusion_pytorch_model.safetensors"
PROMPT_FILE = "prompt.safetensors"  #: the stored embedding of the paper's prompt


@dataclass(frozen=True)
class ModelFiles:
    """Where each part is read from: paths only."""

    parts: Mapping[str, tuple[Path, ...]]  #: of PARTS -> files, in the order of loading
    vae: Path | None
    text: Path | None  #: the stored embedding of the prompt, or a text encoder


def find_model_files(
    models: str | os.PathLike, *, vae: bool = True, text: bool = True
) -> ModelFiles:
    """What is in a models folder; nothing is read.

    Args:
        models: the folder whose magicportrait/ holds the files.
        vae, text: whether there must be a VAE, and a prompt's embedding or a text encoder.

    Raises InputError that says of each missing file how to get it.
    """
    folder = Path(models) / FOLDER
    found = {part: folder / f"{part}.pth" for part in PARTS}
    missing = [_KEYS[part] for part, path in found.items() if not path.is_file()]
    parts = {part: (path,) for part, path in found.items()}
    motion = folder / MOTION_FILE
    if motion.is_file():
        parts["denoising_unet"] = (motion, *parts["denoising_unet"])
    vae_file = folder / VAE_FILE if (folder / VAE_FILE).is_file() else None
    text_file = folder / PROMPT_FILE if (folder / PROMPT_FILE).is_file() else None
    if vae and vae_file is None:
        missing.append("vae")
    if text and text_file is None:
        missing.append("sd15_text_encoder")
    if missing:
        raise InputError(" ".join(entry_of(key).how_to_get(folder) for key in missing))
    return ModelFiles(parts, vae_file, text_file)


#: part -> key of its file in the catalogue
_KEYS = {part: part.replace("guidance_encoder", "guidance") for part in PARTS}


def read_part(files: ModelFiles, part: str) -> tuple[dict[str, Tensor], dict[str, int]]:
    """The state dict of one of PARTS, and how many of its tensors each file supplied.

    The tensors are on the disk until they are used. Raises InputError where a file is damaged or
    all together are not the network's tensors.
    """
    kind = kind_of(part)
    states = [(file_name(p), drop_unused(kind, read_state(p))) for p in files.parts[part]]
    merged, counts = merge_states(states)
    return strict_state(kind, merged, " with ".join(counts)), counts


def kind_of(part: str) -> str:
    """One of loading.MODULES."""
    return "guidance_encoder" if part.startswith("guidance_encoder") else part


def file_name(path: Path) -> str:
    """What a file is called in reports; with its folder where many files have its name."""
    generic = path.stem.split(".")[0] in {"diffusion_pytorch_model", "model", "pytorch_model"}
    return f"{path.parent.name}/{path.name}" if generic else path.name
