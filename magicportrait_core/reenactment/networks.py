"""The diffusion models made ready for one portrait."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass

import torch
from torch import Tensor, nn

from ..diffusion.checkpoints.model_files import ModelFiles, read_part
from ..diffusion.checkpoints.models import DiffusionModels, load_models
from ..diffusion.checkpoints.weight_files import WeightFile, weight_files
from ..diffusion.clips.preprocess import prepare_portrait
from ..diffusion.clips.vae_chunks import encode_pictures
from ..diffusion.guidance_encoder import GuidanceEncoder
from ..diffusion.lora.lora import LoraFile, check_matched, merge_loras, read_lora
from ..diffusion.memory.shortage import naming_shortage
from ..diffusion.unet import DenoisingUNet
from ..diffusion.vae import VAE
from ..types import ReferenceCondition
from .settings import DiffusionSettings


@dataclass(frozen=True)
class Networks:
    """What denoising and decoding need. The reference UNet has done its work."""

    unet: DenoisingUNet
    encoders: Mapping[str, GuidanceEncoder]
    vae: VAE
    text: Tensor  #: (1, 77, c)
    reference: ReferenceCondition  #: the portrait's
    notes: tuple[str, ...]  #: how LoRAs fit
    weights: tuple[WeightFile, ...]  #: where the networks came from


@torch.no_grad()
def open_networks(
    files: ModelFiles, settings: DiffusionSettings, device: torch.device, portrait: Tensor
) -> Networks:
    """Load, add LoRAs, and read the portrait, (3, h, w) uint8.

    Raises InputError for a file that is missing, damaged or another's, and for a LoRA that fits
    none of the networks it is for.
    """
    models = load_models(files, settings.dtype_on(device), device)
    notes = _add_loras(models, settings)
    picture = prepare_portrait(portrait, *portrait.shape[1:])
    with naming_shortage("reading the portrait", "the picture's size"):
        latent = encode_pictures(models.vae, picture.to(models.vae.place))
        bank = models.reference(latent, models.text)
    used = weight_files(files, models.sources)
    return Networks(models.unet, models.encoders, models.vae, models.text, bank, notes, used)


def check_loras(files: ModelFiles, settings: DiffusionSettings) -> None:
    """Raise InputError where a LoRA is none, or fits none of the networks that it is for.

    Only the networks' lists of tensors are read, so this comes before the long work.
    """
    if settings.loras:
        _read_loras(settings, lambda part: read_part(files, part)[0])


def _add_loras(models: DiffusionModels, settings: DiffusionSettings) -> tuple[str, ...]:
    """Into the networks that they are for; returns what fits, a line each."""
    if not settings.loras:
        return ()
    networks: dict[str, nn.Module] = {
        "denoising_unet": models.unet, "reference_unet": models.reference,
    }  # fmt: skip
    read = _read_loras(settings, lambda part: networks[part].state_dict())
    notes: list[str] = []
    for part, loras in read.items():
        strengths = [choice.strength for choice in settings.loras]
        report = merge_loras(networks[part], list(zip(loras, strengths, strict=True)))
        notes += [f"LoRA, {_TARGETS[part]}: {line}" for line in str(report).splitlines()]
    return tuple(notes)


#: part -> what `--lora-for` calls it
_TARGETS = {"denoising_unet": "denoiser", "reference_unet": "reference"}


def _read_loras(
    settings: DiffusionSettings, state_of: Callable[[str], Mapping[str, Tensor]]
) -> dict[str, list[LoraFile]]:
    """Part -> the LoRAs as they fit its network, whose weights ``state_of`` names.

    Raises InputError for one that fits none.
    """
    states = {
        part: state_of(part)
        for part, name in _TARGETS.items()
        if settings.lora_for in ("both", name)
    }
    read = {
        part: [read_lora(choice.file, state) for choice in settings.loras]
        for part, state in states.items()
    }
    for same in zip(*read.values(), strict=True):
        check_matched(same)
    return read
