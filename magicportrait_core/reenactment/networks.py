"""The diffusion models made ready for one portrait."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import torch
from torch import Tensor, nn

from ..diffusion.guidance_encoder import GuidanceEncoder
from ..diffusion.lora import check_matched, merge_loras, read_lora
from ..diffusion.model_files import ModelFiles
from ..diffusion.models import DiffusionModels, load_models
from ..diffusion.preprocess import prepare_portrait
from ..diffusion.shortage import naming_shortage
from ..diffusion.unet import DenoisingUNet
from ..diffusion.vae import VAE
from ..diffusion.vae_chunks import encode_pictures
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
    return Networks(models.unet, models.encoders, models.vae, models.text, bank, notes)


def _add_loras(models: DiffusionModels, settings: DiffusionSettings) -> tuple[str, ...]:
    """Into the networks that they are for; returns what fits, a line each."""
    networks: dict[str, nn.Module] = {"denoiser": models.unet, "reference": models.reference}
    wanted = [name for name in networks if settings.lora_for in ("both", name)]
    read = {
        name: [read_lora(choice.file, networks[name].state_dict()) for choice in settings.loras]
        for name in wanted
    }
    for same in zip(*read.values(), strict=True):
        check_matched(same)
    notes: list[str] = []
    for name in wanted if settings.loras else ():
        strengths = [choice.strength for choice in settings.loras]
        report = merge_loras(networks[name], list(zip(read[name], strengths, strict=True)))
        notes += [f"LoRA, {name}: {line}" for line in str(report).splitlines()]
    return tuple(notes)
