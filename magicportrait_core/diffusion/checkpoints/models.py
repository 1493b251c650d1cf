"""The diffusion models, loaded: what a run needs."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from itertools import combinations

import torch
from torch import Tensor

from ...errors import InputError
from ...types import Progress, no_progress
from ..guidance_encoder import KINDS, GuidanceEncoder
from ..memory.shortage import naming_shortage
from ..reference_unet import ReferenceUNet
from ..unet import DenoisingUNet
from ..vae import VAE
from .loading import build_module
from .model_files import PARTS, ModelFiles, read_part
from .parts import file_name, kind_of, read_text, read_vae


@dataclass(frozen=True)
class DiffusionModels:
    """All networks, in evaluation mode and without gradients."""

    unet: DenoisingUNet
    reference: ReferenceUNet
    encoders: Mapping[str, GuidanceEncoder]  #: kind of map -> its encoder
    vae: VAE
    text: Tensor  #: (1, 77, c) float32, of the paper's prompt
    sources: Mapping[str, Mapping[str, int]]  #: part -> file -> how many tensors it supplied


def load_models(
    files: ModelFiles,
    dtype: torch.dtype = torch.float32,
    device: torch.device | str = "cpu",
    progress: Progress = no_progress,
) -> DiffusionModels:
    """Read every part, one after another.

    Files are mapped. What is converted or moved to another device is copied tensor by tensor, and
    a part's file is let go before the next is opened; float32 of a float32 file stays on the disk
    until it is used. Files must not be written over meanwhile.

    Peak memory at the paper's sizes, from official files in float32, on the CPU: 7.6 GiB as
    float16, of which 4.4 are the process's own and the rest pages of files, which the system drops
    when it needs room; 8.4 GiB as float32 once every weight was used, nearly all pages of files.

    Raises InputError where a file is missing, damaged, or another's, or memory runs out.
    """
    if files.vae is None or files.text is None:
        raise InputError("these files are without a VAE or a text: look for them too.")
    with naming_shortage("the models", "the type of numbers (float16), or use the CPU"):
        return _load(files, dtype, device, progress)


def _load(
    files: ModelFiles, dtype: torch.dtype, device: torch.device | str, progress: Progress
) -> DiffusionModels:
    sources = {}

    def load(part: str):
        progress("load models", len(sources), len(PARTS) + 2)
        state, sources[part] = read_part(files, part)
        return build_module(kind_of(part), state, part, dtype).to(device)

    unet, reference = load("denoising_unet"), load("reference_unet")
    encoders = {kind: load(f"guidance_encoder_{kind}") for kind in KINDS}
    state = read_vae(files.vae)
    vae = build_module("vae", state, file_name(files.vae), dtype).to(device)
    sources["vae"] = {file_name(files.vae): len(state)}
    text = read_text(files.text)
    sources["text"] = {file_name(files.text): 1}
    _check_text(text, unet, files)
    _check_encoders(encoders)
    progress("load models", len(sources), len(PARTS) + 2)
    return DiffusionModels(unet, reference, encoders, vae, text.to(device), sources)


def _check_text(text: Tensor, unet: DenoisingUNet, files: ModelFiles) -> None:
    wide = unet.config.cross_attention_dim
    if text.shape[2] != wide:
        raise InputError(
            f"{files.text.name} has {text.shape[2]} channels, the denoising UNet reads {wide}: "
            "they are of different models."
        )


def _check_encoders(encoders: Mapping[str, GuidanceEncoder]) -> None:
    """Raise InputError where one encoder lies in two places: its keys do not tell its kind."""
    first = {kind: encoder.conv_in.weight for kind, encoder in encoders.items()}
    for one, other in combinations(first, 2):
        if first[one].shape == first[other].shape and torch.equal(first[one], first[other]):
            raise InputError(
                f"The guidance encoders of {one} and {other} maps are the same: one of the two "
                "files is in the other's place."
            )
