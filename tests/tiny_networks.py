"""The tiny networks of the diffusion goldens, loaded by the code that loads the real ones."""

from __future__ import annotations

from functools import lru_cache
from pathlib import Path

import torch
from safetensors.torch import load_file
from torch import nn

from magicportrait_core.diffusion.checkpoints.loading import build_module
from magicportrait_core.diffusion.guidance_encoder import KINDS, GuidanceEncoder


@lru_cache(maxsize=12)
def tiny_network(folder: Path, name: str, dtype: torch.dtype = torch.float32) -> nn.Module:
    """One of them. folder: goldens/diffusion; name: of its file, without tiny_ and .safetensors."""
    kind = "guidance_encoder" if name.startswith("guidance_encoder") else name
    return build_module(kind, load_file(folder / f"tiny_{name}.safetensors"), name, dtype)


def tiny_encoders(folder: Path) -> dict[str, GuidanceEncoder]:
    """All three guidance encoders."""
    return {kind: tiny_network(folder, f"guidance_encoder_{kind}") for kind in KINDS}
