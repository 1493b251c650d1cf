"""Every form of LoRA on the MODEL and on the reference equals weights merged by hand."""

from __future__ import annotations

from host import ARGUMENTS, error_of, relative, report, run_node  # isort: skip  it finds the host

from pathlib import Path

import folder_paths
import tiny
import torch
from pack.magicportrait_core.diffusion.guidance_encoder import KINDS
from pack.nodes.lora_loader import MagicPortraitLoraLoader
from pack.nodes.unet.conds import KEY
from pack.nodes.unet.model import make_model
from pack.nodes.unet.reference import make_reference
from safetensors.torch import save_file

from nodes import LoraLoaderModelOnly

FOLDER = Path(ARGUMENTS[0])
FRAMES, RANK, STRENGTH = 4, 3, 0.7
CLIP = range(FRAMES)
QUERY = "down_blocks.0.attentions.0.transformer_blocks.0.attn1.to_q"
VALUE = "up_blocks.3.attentions.0.transformer_blocks.0.attn2.to_v"
FEED = "mid_block.attentions.0.transformer_blocks.0.ff.net.2"
CONV = "down_blocks.1.resnets.0.conv1"
MOTION = (
    "down_blocks.0.motion_modules.0.temporal_transformer.transformer_blocks.0.attention_blocks.0"
    ".to_q"
)
folder_paths.add_model_folder_path("loras", str(FOLDER))


def kohya(layer):
    return f"lora_unet_{layer.replace('.', '_')}", "lora_up", "lora_down"


def peft(layer):
    return f"unet.{layer}", "lora_B", "lora_A"


def processor(layer):
    head, _, last = layer.rpartition(".")
    return f"{head}.processor.{last}_lora", "up", "down"


def original(layer):
    stem = "lora_unet_input_blocks_1_1_transformer_blocks_0_attn1_to_q"
    return stem, "lora_up", "lora_down"


#: form -> names, layers, whether the host's own loader knows them
FORMS = {
    "kohya": (kohya, (QUERY, VALUE, FEED, MOTION), True),
    "locon": (kohya, (QUERY, CONV), True),
    "peft": (peft, (QUERY, VALUE), False),
    "processor": (processor, (QUERY, VALUE), False),
    "original": (original, (QUERY,), False),
}
WEIGHTS = tiny.golden("tiny_denoising_unet")
READER = tiny.golden("tiny_reference_unet")


def write(name: str, of: dict, names, layers) -> tuple[str, dict]:
    """A LoRA file, and the weights that it must make of ``of``."""
    torch.manual_seed(5)
    state, merged = {}, dict(of)
    for layer in layers:
        weight = of[f"{layer}.weight"]
        up = torch.randn(weight.shape[0], RANK) * RANK**-0.5
        down = torch.randn(RANK, *weight.shape[1:]) * weight[0].numel() ** -0.5
        stem, above, below = names(layer)
        kernel = weight.ndim == 4
        state[f"{stem}.{above}.weight"] = up[..., None, None] if kernel else up
        state[f"{stem}.{below}.weight"] = down
        scale = STRENGTH
        if names is kohya:
            state[f"{stem}.alpha"] = torch.tensor(1.5)
            scale *= 1.5 / RANK
        merged[f"{layer}.weight"] = weight + scale * torch.einsum("or,r...->o...", up, down)
    save_file({k: v.contiguous() for k, v in state.items()}, FOLDER / f"{name}.safetensors")
    return f"{name}.safetensors", merged


def run(model, conds):
    return tiny.sample(model, CLIP, conds, steps=1)


def load(file, apply_to="denoiser", strength=STRENGTH, **more):
    inputs = {"model": tiny.model(), "lora": file, "strength": strength, "apply_to": apply_to}
    return run_node(MagicPortraitLoraLoader, **inputs | more)


def bank(reference):
    states = tiny.fused(CLIP, reference=reference)[0][0][1][KEY].reference.states
    return torch.cat([state.flatten() for state in states.values()])


with torch.no_grad():
    conds = tiny.fused(CLIP)[:2]
    base = run(tiny.model(), conds)
    ours, stock, reports, matter = {}, {}, {}, {}
    for form, (names, layers, known) in FORMS.items():
        file, merged = write(form, WEIGHTS, names, layers)
        want = run(make_model(merged, "merged", "fp32"), conds)
        model, _, reports[form] = load(file)
        ours[form], matter[form] = relative(run(model, conds), want), relative(want, base)
        if known:
            (model,) = LoraLoaderModelOnly().load_lora_model_only(tiny.model(), file, STRENGTH)
            stock[form] = relative(run(model, conds), want)

    encoders = {kind: tiny.golden(f"tiny_guidance_encoder_{kind}") for kind in KINDS}
    file, merged = write("reader", READER, kohya, (QUERY, CONV))
    want = bank(make_reference(merged, encoders, "fp32"))
    model, reference, both = load(file, "both", reference=tiny.reference())
    untouched, alone, _ = load(file, "reference", reference=tiny.reference())
    stranger = {f"lora_unet_x.lora_{of}.weight": torch.ones(2, 2) for of in ("up", "down")}
    save_file(stranger, FOLDER / "none.safetensors")
    report(
        ours=ours,
        stock=stock,
        matter=matter,
        reports=reports,
        reference=relative(bank(reference), want),
        reference_alone=relative(bank(alone), want),
        reference_matters=relative(want, bank(tiny.reference())),
        both=both,
        untouched=relative(run(untouched, conds), base),
        strength_0=relative(run(load(file, strength=0.0)[0], conds), base),
        unwired=error_of(load, file, "both"),
        nothing=error_of(load, "none.safetensors"),
        foreign=error_of(load, file, model=object()),
    )
