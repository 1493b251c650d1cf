"""Tiny networks with random weights in the official layout: what runs and tests take in place of
the real files. Their pictures are noise."""

from __future__ import annotations

import os
from pathlib import Path

import torch
from safetensors.torch import save_file
from torch import Tensor

from ...errors import InputError
from ...files import replacing
from ..guidance_encoder import KINDS
from ..layers.configs import GuidanceConfig, UNetConfig, VAEConfig
from ..motion_module import positions
from .identify import EMBEDDING
from .model_folders import FOLDER, MOTION_FILE, PROMPT_FILE, VAE_FILE
from .official_shapes import (
    Shapes,
    denoising_shapes,
    guidance_shapes,
    is_motion,
    reference_shapes,
    vae_shapes,
)

UNET = UNetConfig((32, 64, 64, 64))
GUIDANCE = GuidanceConfig((8, 32, 32, 64), embedding_channels=32)
CODEC = VAEConfig((32, 32, 32, 32), layers_per_block=1)
GOLDEN_TEXT = 32  #: channels of the text in the goldens
TOKENS = 77


def make_tiny(
    models: str | os.PathLike, golden_widths: bool = False, seed: int = 0
) -> tuple[Path, ...]:
    """Write the official files, tiny, into models/magicportrait; returns their paths.

    The same seed gives the same bytes. denoising_unet.pth is without the motion modules, which are
    in the file of their own; every file holds what the real one does, unused tensors too.

    Args:
        models: a models folder; it is made where it is missing.
        golden_widths: text of 32 channels, else 768 as CLIP ViT-L gives it.

    Raises InputError where one of the files is there already.
    """
    folder = Path(models) / FOLDER
    config = UNET if not golden_widths else UNetConfig(UNET.block_out_channels, GOLDEN_TEXT)
    denoiser = denoising_shapes(config)
    shapes: dict[str, Shapes] = {
        "denoising_unet.pth": {k: s for k, s in denoiser.items() if not is_motion(k)},
        MOTION_FILE: {k: s for k, s in denoiser.items() if is_motion(k)},
        "reference_unet.pth": reference_shapes(config),
        **{f"guidance_encoder_{kind}.pth": guidance_shapes(GUIDANCE) for kind in KINDS},
        VAE_FILE: vae_shapes(CODEC),
        PROMPT_FILE: {EMBEDDING: (1, TOKENS, config.cross_attention_dim)},
    }
    paths = tuple(folder / name for name in shapes)
    for path in paths:
        if path.exists():
            raise InputError(f"{path} is there already: name another folder.")
    generator = torch.Generator().manual_seed(seed)
    for path, named in zip(paths, shapes.values(), strict=True):
        path.parent.mkdir(parents=True, exist_ok=True)
        state = {key: _draw(key, shape, generator) for key, shape in sorted(named.items())}
        with replacing(path) as temporary:
            if path.suffix == ".pth":
                with temporary.open("wb") as file:  # of a path its name would be in the bytes
                    torch.save(state, file)
            else:
                save_file(state, temporary)
    return paths


def _draw(key: str, shape: tuple[int, ...], generator: torch.Generator) -> Tensor:
    """Values that keep what goes through a network at about its size."""
    if key.endswith(".pe"):
        return positions(*shape[1:])
    noise = torch.randn(shape, generator=generator)
    if key == EMBEDDING:
        return noise
    if len(shape) > 1:
        noise *= noise[0].numel() ** -0.5
    elif key.endswith("weight"):
        noise = 1 + 0.2 * noise
    else:
        noise *= 0.1
    return noise.half()
