"""The goldens' run through the nodes: the paper's sampler, the host's, every precision."""

from __future__ import annotations

from host import error_of, relative, report, run_node  # isort: skip  first: it finds the host

import comfy.sample
import tiny
import torch
from pack.magicportrait_core.diffusion.context_windows import PRESETS
from pack.nodes.temporal_denoise import TemporalDenoise
from pack.nodes.windows import set_windows

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
        latent_keys=sorted(latent["magicportrait"]),
        foreign=error_of(denoise, object()),
    )
