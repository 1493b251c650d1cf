"""The goldens' run through the nodes: the paper's sampler, the host's, every precision."""

from __future__ import annotations

from host import error_of, relative, report, run_node  # isort: skip  first: it finds the host

import comfy.sample
import tiny
import torch
from pack.magicportrait_core.diffusion.checkpoints.loading import build_module
from pack.magicportrait_core.diffusion.context_windows import PRESETS
from pack.magicportrait_core.diffusion.sampler import SampleSettings, sample
from pack.nodes.temporal_denoise import TemporalDenoise
from pack.nodes.unet.windows import set_windows

positive, negative, latent = tiny.fused()
SETTINGS = {
    "seed": 42, "steps": 4, "cfg": 3.5, "sampler": "magicportrait_ddim", "scheduler": "simple",
    "denoise": 1.0, "preset": "paper", "window": 0, "overlap": 0,
}  # fmt: skip


def denoise(model, **changed) -> torch.Tensor:
    inputs = {"model": model, "positive": positive, "negative": negative, "latent": latent}
    (out,) = run_node(TemporalDenoise, **inputs | SETTINGS | changed)
    return out["samples"]


def ksample(model, sampler="euler", scheduler="simple", **more) -> torch.Tensor:
    set_windows(model, PRESETS["paper"])
    return comfy.sample.sample(
        model, tiny.noise(), 4, 3.5, sampler, scheduler, positive, negative, latent["samples"],
        disable_pbar=True, seed=42, **more,
    )  # fmt: skip


def against_core(steps: int, denoise_by: float) -> float:
    """The node's run of a short clip, from latents if denoise is below 1, against the core's."""
    told, untold, short = tiny.fused(range(4))
    face = told[0][1][tiny.KEY]
    start = None if denoise_by == 1 else tiny.final()[:4]
    unet = build_module("denoising_unet", tiny.golden("tiny_denoising_unet"))
    settings = SampleSettings(steps, denoise=denoise_by, seed=42)
    scaled = None if start is None else start * tiny.SCALE
    want = sample(
        unet, tiny.INPUTS["text_embeds"], face.reference, face.guidance, face.size, settings, scaled
    )
    given = short if start is None else {**short, "samples": start}
    inputs = {"model": tiny.model(), "positive": told, "negative": untold, "latent": given}
    more = {"steps": steps, "denoise": denoise_by, "preset": "smooth"}
    (out,) = run_node(TemporalDenoise, **inputs | SETTINGS | more)
    return relative(out["samples"], want / tiny.SCALE)


with torch.no_grad():
    guidance = tiny.features(positive).frames(range(tiny.FRAMES))
    exact = denoise(tiny.model())
    host = ksample(tiny.model())
    report(
        guidance=relative(guidance, tiny.WANTED["guidance_fea_sum"][0].transpose(0, 1)),
        temporal_denoise=relative(exact, tiny.final()),
        euler=relative(host, tiny.final()),
        ddim=relative(ksample(tiny.model(), "ddim"), tiny.final()),
        paper_sampler_euler=relative(denoise(tiny.model(), sampler="euler"), tiny.final()),
        fp16=relative(denoise(tiny.model("fp16")), exact),
        bf16=relative(denoise(tiny.model("bf16")), exact),
        smooth_differs=relative(denoise(tiny.model(), preset="smooth"), exact),
        seven_steps=against_core(7, 1.0),
        half_denoised=against_core(3, 0.5),
        latent_keys=sorted(latent["magicportrait"]),
        foreign=error_of(denoise, object()),
    )
