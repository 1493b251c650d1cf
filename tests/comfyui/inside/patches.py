"""Stock patches on the MODEL: those that change nothing, and those that must."""

from __future__ import annotations

from host import relative, report, run_node  # isort: skip  first: it finds the host

import comfy.sample
import tiny
import torch
from comfy.ldm.modules.attention import optimized_attention
from comfy_extras.nodes_custom_sampler import BasicScheduler, KSamplerSelect, SamplerCustom
from comfy_extras.nodes_easycache import EasyCacheNode
from comfy_extras.nodes_freelunch import FreeU_V2
from comfy_extras.nodes_model_advanced import ModelSamplingDiscrete, RescaleCFG
from comfy_extras.nodes_model_downscale import PatchModelAddDownscale
from comfy_extras.nodes_pag import PerturbedAttentionGuidance
from comfy_extras.nodes_tomesd import TomePatchModel
from pack.magicportrait_core.diffusion.context_windows import WindowSettings
from pack.nodes.temporal_denoise import TemporalDenoise
from pack.nodes.unet.sampling import plan_run
from pack.nodes.unet.windows import set_windows

from nodes import ConditioningCombine, ConditioningSetArea, ConditioningSetTimestepRange, KSampler

FRAMES = 4
CLIP = range(FRAMES)
CONDS = tiny.fused(CLIP)[:2]
TRANSFORMERS = [
    *(("input", n) for n in (1, 2, 4, 5, 7, 8)),
    ("middle", 0),
    *(("output", n) for n in range(3, 12)),
]


def run(model, **more) -> torch.Tensor:
    return tiny.sample(model, CLIP, CONDS, steps=2, **more)


def stock(node, *arguments):
    """What a node of the host's makes of the MODEL, whichever API it is written for."""
    if hasattr(node, "execute"):
        return node.execute(tiny.model(), *arguments).result[0]
    made = node()
    return getattr(made, node.FUNCTION)(tiny.model(), *arguments)[0]


def everywhere(kind, patch):
    model = tiny.model()
    for place in TRANSFORMERS:
        model.set_model_patch_replace(patch, kind, *place)
    return model


def own(q, k, v, extra):
    return optimized_attention(q, k, v, extra["n_heads"])


def patched(name, patch):
    model = tiny.model()
    model.set_model_patch(patch, name)
    return model


class Adapter:
    """As IPAdapter does: attention to tokens of its own, added to the text's, for each half."""

    def __init__(self, weight: float) -> None:
        self.weight, self.seen = weight, []

    def __call__(self, q, k, v, extra):
        out = optimized_attention(q, k, v, extra["n_heads"])
        halves = extra["cond_or_uncond"]
        assert len(q) % len(halves) == 0
        self.seen.append(
            (extra["block"], extra["transformer_index"], tuple(halves), extra.get("ad_params"))
        )
        tokens = torch.sin(torch.arange(q.shape[-1] * 4.0)).reshape(1, 4, -1)
        tokens = torch.cat(
            [(1 - half) * tokens.expand(len(q) // len(halves), -1, -1) for half in halves]
        )
        return out + self.weight * optimized_attention(q, tokens, tokens, extra["n_heads"])


def plainly(sampler: str) -> torch.Tensor:
    """Sampled in 4 steps from noise that still holds a signal."""
    model = stock(ModelSamplingDiscrete, "v_prediction", False)
    plan = plan_run(model, sampler, "simple", 4, 1.0)
    noise = tiny.noise()[list(CLIP)]
    return comfy.sample.sample_custom(
        model, noise, 3.5, plan.sampler, plan.sigmas, *CONDS, torch.zeros_like(noise),
        disable_pbar=True, seed=42,
    )  # fmt: skip


with torch.no_grad():
    base = run(tiny.model())
    same = {
        "attn1_patch": run(patched("attn1_patch", lambda q, k, v, e: (q, k, v))),
        "attn2_patch": run(patched("attn2_patch", lambda q, k, v, e: (q, k, v))),
        "attn1_output_patch": run(patched("attn1_output_patch", lambda x, e: x)),
        "attn2_output_patch": run(patched("attn2_output_patch", lambda x, e: x)),
        "middle_patch": run(patched("middle_patch", lambda x, e: x)),
        "input_block_patch": run(patched("input_block_patch", lambda x, o: x)),
        "after_skip": run(patched("input_block_patch_after_skip", lambda x, o: x)),
        "output_block_patch": run(patched("output_block_patch", lambda x, s, o: (x, s))),
        "attn1_replace": run(everywhere("attn1", own)),
        "attn2_replace": run(everywhere("attn2", own)),
        "adapter at 0": run(everywhere("attn2", Adapter(0.0))),
        "pag at 0": run(stock(PerturbedAttentionGuidance, 0.0)),
        "sampling as it is": run(stock(ModelSamplingDiscrete, "v_prediction", True)),
    }
    adapter = Adapter(0.5)
    framed = Adapter(0.5)
    windowed = everywhere("attn2", framed)
    set_windows(windowed, WindowSettings(3, 1))
    changed = {
        "adapter": run(everywhere("attn2", adapter)),
        "adapter in windows": run(windowed),
        "pag": run(stock(PerturbedAttentionGuidance, 3.0)),
        "freeu": run(stock(FreeU_V2, 1.3, 1.4, 0.9, 0.2)),
        "deep shrink": run(
            stock(PatchModelAddDownscale, 3, 2.0, 0.0, 1.0, True, "bicubic", "bicubic")
        ),
        "rescale cfg": run(stock(RescaleCFG, 0.7)),
        "tome": run(stock(TomePatchModel, 0.3)),
        "eps": run(stock(ModelSamplingDiscrete, "eps", True)),
    }
    easy = run(stock(EasyCacheNode, 0.0, 0.15, 0.95, False))

    latent = {"samples": torch.zeros(FRAMES, 4, 16, 8), "magicportrait": {"fps": 12}}
    positive, negative = CONDS
    sampled = KSampler().sample(
        tiny.model(), 5, 2, 3.5, "ddim", "simple", positive, negative, latent, 1.0
    )[0]
    model = tiny.model()
    sigmas = (
        BasicScheduler.execute(model, "simple", 2, 1.0).result[0]
        if hasattr(BasicScheduler, "execute")
        else BasicScheduler().get_sigmas(model, "simple", 2, 1.0)[0]
    )
    euler = (
        KSamplerSelect.execute("euler").result[0]
        if hasattr(KSamplerSelect, "execute")
        else KSamplerSelect().get_sampler("euler")[0]
    )
    arguments = (model, True, 5, 3.5, positive, negative, euler, sigmas, latent)
    custom = (
        SamplerCustom.execute(*arguments).result
        if hasattr(SamplerCustom, "execute")
        else SamplerCustom().sample(*arguments)
    )

    left = ConditioningSetArea().append(positive, 32, 128, 0, 0, 1.0)[0]
    right = ConditioningSetArea().append(positive, 32, 128, 32, 0, 1.0)[0]
    areas = ConditioningCombine().combine(left, right)[0]
    early = ConditioningSetTimestepRange().set_range(positive, 0.0, 0.5)[0]
    late = ConditioningSetTimestepRange().set_range(positive, 0.5, 1.0)[0]
    ranges = ConditioningCombine().combine(early, late)[0]
    everywhere_same = ConditioningSetArea().append(positive, 64, 128, 0, 0, 1.0)[0]
    mask = torch.zeros(FRAMES, 1, 128, 64)
    mask[:, :, :64] = 1
    start = torch.randn(FRAMES, 4, 16, 8, generator=torch.Generator().manual_seed(0))
    masked = run_node(  # 3 steps do not divide 1000
        TemporalDenoise, model=tiny.model(), positive=positive, negative=negative,
        latent={**latent, "samples": start, "noise_mask": mask}, seed=1, steps=3, cfg=3.5,
        sampler="magicportrait_ddim", scheduler="simple", denoise=0.5, preset="inherit", window=0,
        overlap=0,
    )[0]["samples"]  # fmt: skip
    without_zero_snr = [plainly(sampler) for sampler in ("euler", "magicportrait_ddim")]
    report(
        same={name: relative(made, base) for name, made in same.items()},
        changed={name: relative(made, base) for name, made in changed.items()},
        finite=all(bool(made.isfinite().all()) for made in [*changed.values(), easy]),
        easy_cache=relative(easy, base),
        adapter_places=sorted({(*place, index) for place, index, _, _ in adapter.seen}),
        adapter_frames=sorted({tuple(seen[3]["sub_idxs"]) for seen in framed.seen}),
        adapter_total=sorted({seen[3]["full_length"] for seen in framed.seen}),
        sampler_custom=relative(custom[0]["samples"], sampled["samples"]),
        carried=[sampled["magicportrait"]["fps"], custom[0]["magicportrait"]["fps"]],
        areas=relative(tiny.sample(tiny.model(), CLIP, (areas, negative), steps=2), base),
        whole_area=relative(
            tiny.sample(tiny.model(), CLIP, (everywhere_same, negative), steps=2), base
        ),
        kept=(masked - start)[:, :, 8:].abs().max().item(),
        repainted=(masked - start)[:, :, :8].abs().mean().item(),
        without_zero_snr=relative(*without_zero_snr),
        ranges=relative(tiny.sample(tiny.model(), CLIP, (ranges, negative), steps=2), base),
    )
