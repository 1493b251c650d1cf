"""What a diffusion file is, told by its keys; and what is wrong with one."""

import pytest
import torch

from magicportrait_core.diffusion.checkpoints import official_shapes as shapes
from magicportrait_core.diffusion.checkpoints.identify import identify, misfit
from magicportrait_core.diffusion.checkpoints.manifests import look
from magicportrait_core.diffusion.checkpoints.tiny_models import CODEC, GUIDANCE, UNET
from magicportrait_core.diffusion.layers.configs import (
    GuidanceConfig,
    TextConfig,
    UNetConfig,
    VAEConfig,
)


def meta(named):
    return {key: torch.empty(shape, device="meta") for key, shape in named.items()}


@pytest.fixture(scope="module")
def full():
    """Every kind at the paper's sizes, without memory."""
    denoiser = shapes.denoising_shapes(UNetConfig())
    return {
        "denoising_unet": meta(denoiser),
        "motion_module": meta({k: s for k, s in denoiser.items() if shapes.is_motion(k)}),
        "unet": meta(shapes.base_shapes(UNetConfig())),
        "reference_unet": meta(shapes.reference_shapes(UNetConfig())),
        "guidance_encoder": meta(shapes.guidance_shapes(GuidanceConfig())),
        "vae": meta(shapes.vae_shapes(VAEConfig())),
        "text_encoder": meta(shapes.text_shapes(TextConfig())),
    }


KINDS = [
    "denoising_unet", "motion_module", "unet", "reference_unet", "guidance_encoder", "vae",
    "text_encoder",
]  # fmt: skip


@pytest.mark.parametrize("kind", KINDS)
def test_the_papers_networks(full, kind):
    assert identify(full[kind]) == kind
    seen = look(full[kind])
    assert (seen.kind, seen.faults, seen.official, seen.whole) == (kind, (), True, True)


@pytest.mark.parametrize("kind", KINDS)
def test_extra_and_ill_shaped_tensors(full, kind):
    key = next(key for key in full[kind] if key.endswith("bias"))
    state = full[kind] | {key.replace("bias", "more"): torch.ones(1), key: torch.ones(7)}
    faults = " ".join(look(state).faults)
    assert "has beside them " + key.replace("bias", "more") in faults
    assert f"{key} is (7,), not" in faults


@pytest.mark.parametrize("kind", ["guidance_encoder", "vae", "text_encoder", "motion_module"])
def test_missing_tensors(full, kind):
    state = dict(full[kind])
    key = list(state)[5]
    del state[key]
    assert look(state).faults == (f"lacks {key}",)


def test_unets_may_hold_a_part(full):
    state = {key: t for key, t in full["denoising_unet"].items() if "mid_block" not in key}
    seen = look(state)
    assert (seen.faults, seen.whole) == ((), False)
    some = {key: t for key, t in full["unet"].items() if "attentions" in key}
    assert look(some).kind == "unet_part"
    assert look(some | {"mid_block.no": torch.ones(1)}).faults == ("has beside them mid_block.no",)


def test_other_sizes_are_told():
    for named in (
        shapes.denoising_shapes(UNET),
        shapes.guidance_shapes(GUIDANCE),
        shapes.vae_shapes(CODEC),
    ):
        seen = look(meta(named))
        assert (seen.faults, seen.official) == ((), False)


@pytest.mark.parametrize(
    ("keys", "kind"),
    [
        (["model.diffusion_model.out.0.bias"], "checkpoint"),
        (["denoising_unet.conv_in.bias", "vae.x"], "combined"),
        (["lora_unet_mid_block.lora_up.weight"], "lora"),
        (["embedding"], "prompt"),
        (["something"], None),
        ([], None),
    ],
)
def test_other_files(keys, kind):
    assert identify(keys) == kind


def test_a_wrong_slot(full):
    assert misfit(full["vae"], "vae") is None
    assert misfit(full["guidance_encoder"], "reference_unet") == "a guidance encoder"
    assert misfit(["x"], "denoising_unet") == "something else"
    seen = look(full["motion_module"], "reference_unet")
    assert seen.faults == ("holds motion modules, where a reference UNet should be",)
