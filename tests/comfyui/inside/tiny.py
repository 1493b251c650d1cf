"""The goldens' tiny networks as the host sees them, and the goldens' run as CONDITIONING."""

from __future__ import annotations

import os
from pathlib import Path

import comfy.sample
import torch
from host import run_node
from pack.magicportrait_core.diffusion.guidance_encoder import KINDS
from pack.magicportrait_core.types import HeldGuidance
from pack.nodes.face_motion_fusion import FaceMotionFusion
from pack.nodes.unet.conds import KEY
from pack.nodes.unet.model import make_model
from pack.nodes.unet.reference import make_reference
from pack.nodes.unet.sampling import plan_run
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


def pictures(frames=range(FRAMES)) -> dict[str, torch.Tensor]:
    """The goldens' maps of some frames as the overrides take them."""
    given = {kind: INPUTS[f"guidance_u8.{kind}"][list(frames)] / 255 for kind in KINDS}
    return given | {"normal": 0.5 + 0.5 * given["normal"]}


def fused(frames=range(FRAMES), **more):
    """positive, negative and latent of the goldens' run, or of some of its frames."""
    inputs = {
        "reference": reference(),
        "portrait_crop": INPUTS["ref_image_u8"][None] / 255,
        "vae": GoldenVAE(),
        "positive": [[INPUTS["text_embeds"], {"pooled_output": torch.zeros(1, 8)}]],
    }
    return run_node(FaceMotionFusion, **inputs | pictures(frames) | more)


def features(conditioning) -> HeldGuidance:
    return conditioning[0][1][KEY].guidance


def noise() -> torch.Tensor:
    """(20, 4, 16, 8), the goldens'."""
    return WANTED["initial_noise"][0].transpose(0, 1).contiguous()


def sample(model, frames=range(FRAMES), conds=None, steps=1, cfg=3.5, **more):
    """The paper's sampler on the goldens' noise of some frames; conds: positive, negative.

    The host's euler subtracts numbers of 4518 at the first step, and keeps 4 digits.
    """
    positive, negative = conds or fused(frames)[:2]
    start = noise()[list(frames)]
    plan = plan_run(model, "magicportrait_ddim", "simple", steps, 1.0)
    return comfy.sample.sample_custom(
        model, start, cfg, plan.sampler, plan.sigmas, positive, negative,
        torch.zeros_like(start), disable_pbar=True, seed=42, **more,
    )  # fmt: skip


def final() -> torch.Tensor:
    """What the run must end in, as the host's latents."""
    return WANTED["final_latents"][0].transpose(0, 1) / SCALE
