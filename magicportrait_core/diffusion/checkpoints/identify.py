"""Which diffusion file a state dict is, told by its keys, and which may lie where."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from . import ldm_names
from .official_shapes import is_motion

#: what a file can hold -> in words
KINDS = {
    "denoising_unet": "a denoising UNet with motion modules",
    "unet": "a whole UNet of Stable Diffusion 1.5's layout without motion modules",
    "reference_unet": "a reference UNet",
    "unet_part": "some layers of a UNet",
    "motion_module": "motion modules",
    "guidance_encoder": "a guidance encoder",
    "vae": "a VAE",
    "text_encoder": "a text encoder",
    "prompt": "a prompt's embedding",
    "combined": "all parts in one",
    "checkpoint": "a checkpoint of Stable Diffusion in one file",
    "lora": "a LoRA",
}


#: part or slot -> the kinds that may be there
FITS: Mapping[str, tuple[str, ...]] = {
    "denoising_unet": (
        "denoising_unet", "unet", "unet_part", "motion_module", "combined", "checkpoint",
    ),
    "reference_unet": ("reference_unet", "unet", "unet_part", "combined", "checkpoint"),
    "motion_module": ("motion_module", "denoising_unet"),
    "guidance_encoder": ("guidance_encoder", "combined"),
    "sd15_unet": ("unet",),
    "vae": ("vae", "combined", "checkpoint"),
    "text_encoder": ("text_encoder", "checkpoint"),
    "prompt": ("prompt", "combined"),
}  # fmt: skip
EMBEDDING = "embedding"  #: the one tensor of a prompt's file


def identify(keys: Iterable[str]) -> str | None:
    """One of KINDS, or None for what has no place here."""
    keys = dict.fromkeys(keys)
    if ldm_names.is_checkpoint(keys):
        return "checkpoint"
    if any(key.startswith("denoising_unet.") for key in keys):
        return "combined"
    if any("lora_" in key or ".lora." in key for key in keys):
        return "lora"
    if list(keys) == [EMBEDDING]:
        return "prompt"
    if any(".token_embedding." in f".{key}" for key in keys):
        return "text_encoder"
    if {"encoder.conv_in.weight", "decoder.conv_in.weight"} <= set(keys):
        return "vae"
    if {"blocks.0.weight", "conv_in.weight"} <= set(keys):
        return "guidance_encoder"
    if any(key.startswith(("down_blocks.", "mid_block.", "up_blocks.")) for key in keys):
        return _unet_kind(keys)
    return None


def _unet_kind(keys: Mapping[str, object]) -> str:
    motion = [key for key in keys if is_motion(key)]
    if motion:
        return "motion_module" if len(motion) == len(keys) else "denoising_unet"
    if "conv_in.weight" not in keys or "down_blocks.0.resnets.0.conv1.weight" not in keys:
        return "unet_part"
    return "unet" if "conv_out.weight" in keys else "reference_unet"


def misfit(keys: Iterable[str], slot: str) -> str | None:
    """What a file holds, in words, where it may not lie in that slot (a key of FITS)."""
    kind = identify(keys)
    if kind in FITS[slot]:
        return None
    return KINDS[kind] if kind else "something else"
