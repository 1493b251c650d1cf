"""The reference UNet and the guidance encoders under the host's memory management."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, replace

import torch
from comfy import model_management
from comfy.model_patcher import ModelPatcher
from torch import Tensor, nn

from ...magicportrait_core.diffusion.clips.lazy_guidance import CACHE_BYTES, LazyGuidance, MapSource
from ...magicportrait_core.diffusion.guidance_encoder import KINDS
from ...magicportrait_core.types import MotionGuidance, Progress, ReferenceCondition
from .host_module import Precision, choose_precision, host_module

AT_ONCE = 8  #: frames rendered and encoded together
PIXEL_BYTES = 64  #: about what an encoder holds for a pixel of a frame, in halves


class _Held(nn.Module):
    """Names the weights as the host names a MODEL's, so that LoRAs fit both alike."""

    def __init__(self, diffusion_model: nn.Module) -> None:
        super().__init__()
        self.diffusion_model = diffusion_model


@dataclass(frozen=True)
class Reference:
    """What reads the portrait and the maps."""

    unet: ModelPatcher
    encoders: ModelPatcher  #: all three, by kind
    precision: Precision

    @property
    def text_width(self) -> int:
        return self.unet.model.diffusion_model.config.cross_attention_dim

    def with_unet(self, unet: ModelPatcher) -> Reference:
        return replace(self, unet=unet)

    @torch.no_grad()
    def bank(self, latents: Tensor, text: Tensor) -> ReferenceCondition:
        """What the denoiser sees of the portrait, on the CPU.

        latents: (1, 4, h, w) scaled, the VAE's mean. text: (1, s, c).
        """
        needed = self.unet.model.diffusion_model.config.block_out_channels[0] * 100
        model_management.load_models_gpu(
            [self.unet], memory_required=needed * math.prod(latents.shape[2:])
        )
        place = {"device": self.unet.load_device, "dtype": self.precision.computed}
        bank = self.unet.model.diffusion_model(latents.to(**place), text.to(**place))
        return bank.to("cpu")

    @torch.no_grad()
    def guidance(
        self, maps: MapSource, frames: int, size: tuple[int, int], progress: Progress
    ) -> tuple[MotionGuidance, bool]:
        """The features of a clip; and whether all of them are made.

        Of a long clip those that fit the cache are made now, the rest while it is sampled. size:
        rows and columns of the latents.
        """
        networks = self.encoders.model.diffusion_model
        model_management.load_models_gpu(
            [self.encoders], memory_required=AT_ONCE * 64 * math.prod(size) * PIXEL_BYTES
        )
        place = (self.encoders.load_device, self.precision.computed)
        made = LazyGuidance(
            dict(networks.items()), maps, frames, CACHE_BYTES, self.precision.computed, place
        )
        channels = networks[KINDS[0]].config.embedding_channels
        each = channels * math.prod(size) * self.precision.computed.itemsize
        fit = min(frames, CACHE_BYTES // each)
        for start in range(0, fit, AT_ONCE):
            progress("guidance", start, fit)
            made.frames(range(start, min(start + AT_ONCE, fit)))
        progress("guidance", fit, fit)
        return made, fit == frames


def make_reference(
    unet: Mapping[str, Tensor], encoders: Mapping[str, Mapping[str, Tensor]], dtype: str = "auto"
) -> Reference:
    """unet: weights of the reference UNet. encoders: kind of map -> weights.

    Raises InputError where weights are not those of their network.
    """
    precision = choose_precision(dtype, unet)
    named = {
        kind: host_module("guidance_encoder", state, f"guidance_encoder_{kind}", precision)
        for kind, state in encoders.items()
    }
    network = host_module("reference_unet", unet, "reference_unet", precision)
    return Reference(_patcher(network), _patcher(nn.ModuleDict(named)), precision)


def _patcher(network: nn.Module) -> ModelPatcher:
    offload = model_management.unet_offload_device()
    held = _Held(network).to(offload)
    return ModelPatcher(held, model_management.get_torch_device(), offload)
