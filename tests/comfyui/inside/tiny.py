"""The goldens' tiny networks as the host sees them, and the goldens' run as CONDITIONING."""

from __future__ import annotations

import os
from pathlib import Path

import torch
from host import run_node
from pack.magicportrait_core.diffusion.guidance_encoder import KINDS
from pack.magicportrait_core.types import HeldGuidance
from pack.nodes.conds import KEY
from pack.nodes.face_motion_fusion import FaceMotionFusion
from pack.nodes.model import make_model
from pack.nodes.reference import make_reference
from safetensors.torch import load_file

GOLDENS = Path(os.environ["MAGICPORTRAIT_GOLDENS"]) / "diffusion"
SCALE = 0.18215  #: of latents


def golden(name: str) -> dict[str, torch.Tensor]:
    return {k: v.float() for k, v in load_file(GOLDENS / f"{name}.safetensors").items()}


INPUTS, WANTED = golden("golden_d_pipeline_inputs"), golden("golden_d_pipeline_f32bank")
FRAMES = 20


class GoldenVAE:
    """Encodes the one portrait there is."""

    def encode(self, images: torch.Tensor) -> torch.Tensor:
        return WANTED["ref_image_latents"].expand(len(images), -1, -1, -1) / SCALE


def model(dtype: str = "fp32"):
    return make_model(golden("tiny_denoising_unet"), "tiny", dtype)


def reference(dtype: str = "fp32"):
    encoders = {kind: golden(f"tiny_guidance_encoder_{kind}") for kind in KINDS}
    return make_reference(golden("tiny_reference_unet"), encoders, dtype)


def pictures() -> dict[str, torch.Tensor]:
    """The goldens' maps as the overrides take them."""
    given = {kind: INPUTS[f"guidance_u8.{kind}"] / 255 for kind in KINDS}
    return given | {"normal": 0.5 + 0.5 * given["normal"]}


def fused(**more):
    """positive, negative and latent of the goldens' run."""
    inputs = {
        "reference": reference(),
        "portrait_crop": INPUTS["ref_image_u8"][None] / 255,
        "vae": GoldenVAE(),
        "positive": [[INPUTS["text_embeds"], {"pooled_output": torch.zeros(1, 8)}]],
    }
    return run_node(FaceMotionFusion, **inputs | pictures() | more)


def features(conditioning) -> HeldGuidance:
    return conditioning[0][1][KEY].guidance


def noise() -> torch.Tensor:
    """(20, 4, 16, 8), the goldens'."""
    return WANTED["initial_noise"][0].transpose(0, 1).contiguous()


def final() -> torch.Tensor:
    """What the run must end in, as the host's latents."""
    return WANTED["final_latents"][0].transpose(0, 1) / SCALE
