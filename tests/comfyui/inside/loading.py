"""The host's memory management on the MODEL: a part of it loaded, all unloaded, loaded again."""

from __future__ import annotations

from host import relative, report  # isort: skip  first: it finds the host

import tiny
import torch
from comfy import model_management
from pack.nodes.unet import reference as host_reference
from pack.nodes.unet.conds import KEY

FRAMES = 4
CLIP = range(FRAMES)


def lora_for(model) -> None:
    """Patch every matrix a little, so that a partly loaded model patches as it computes."""
    torch.manual_seed(3)
    patches = {}
    for key, tensor in model.model.state_dict().items():
        if key.endswith("to_q.weight"):
            patches[key] = ("diff", (0.05 * torch.randn(tensor.shape),))
    assert len(model.add_patches(patches, 1.0)) == len(patches) > 20


def half(patcher) -> None:
    """However much the host would load, it loads half of the weights."""
    load = patcher.load

    def load_half(device_to=None, lowvram_model_memory=0, **more):
        more["full_load"] = False
        return load(device_to, lowvram_model_memory=patcher.model_size() // 2, **more)

    patcher.load = load_half


def run(conds, patched, partly):
    model_management.unload_all_models()
    model = tiny.model()
    if patched:
        lora_for(model)
    if partly:
        half(model)
    out = tiny.sample(model, CLIP, conds, steps=2)
    casts = [m for m in model.model.modules() if getattr(m, "comfy_cast_weights", False)]
    linear = [m for m in model.model.modules() if hasattr(m, "comfy_cast_weights")]
    return out, len(casts) / len(linear)


def portrait_bank(partly):
    model_management.unload_all_models()
    made = tiny.reference()
    if partly:
        half(made.unet)
        half(made.encoders)
    positive, _, _ = tiny.fused(CLIP, reference=made)
    face = positive[0][1][KEY]
    return torch.cat([s.flatten() for s in face.reference.states.values()]), face


with torch.no_grad():
    bank, face = portrait_bank(False)
    half_bank, half_face = portrait_bank(True)
    conds = tiny.fused(CLIP)[:2]
    whole, none = run(conds, False, False)
    part, share = run(conds, False, True)
    whole_lora, _ = run(conds, True, False)
    part_lora, _ = run(conds, True, True)

    features = 32 * 16 * 8 * 4  # bytes a frame
    host_reference.CACHE_BYTES = 2 * features
    model_management.unload_all_models()
    positive, negative, _ = tiny.fused(CLIP)
    host_reference.CACHE_BYTES = 1 << 30
    model_management.unload_all_models()
    loaded = model_management.current_loaded_models
    lazy = tiny.sample(tiny.model(), CLIP, (positive, negative), steps=2)
    loaded = [m.model for m in loaded]
    encoders = positive[0][1]["additional_models"][0]

    model = tiny.model()
    first = tiny.sample(model, CLIP, conds, steps=2)
    model_management.unload_all_models()
    again = tiny.sample(model, CLIP, conds, steps=2)
    report(
        cast_when_whole=none,
        cast_when_half=share,
        half_equal=torch.equal(part, whole),
        half_lora_equal=torch.equal(part_lora, whole_lora),
        lora_matters=relative(whole_lora, whole),
        bank_equal=torch.equal(half_bank, bank),
        guidance_equal=torch.equal(half_face.guidance.frames(CLIP), face.guidance.frames(CLIP)),
        lazy_equal=torch.equal(lazy, whole),
        encoders_loaded=encoders in loaded,
        eager_needs_them="additional_models" in conds[0][0][1],
        reloaded_equal=torch.equal(again, first),
        size=model.model_size(),
        memory=[
            model.model.memory_required([24, 4, 64, 64], cond_shapes={}) / 2**20,
            model.model.memory_required([24, 4, 16, 8], cond_shapes={}) / 2**20,
        ],
        offload=str(model.model.diffusion_model.conv_in.weight.device),
    )
