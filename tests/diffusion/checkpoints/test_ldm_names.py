"""Names of Stable Diffusion's first code, against a walk over its blocks and against literals."""

import json

import pytest
import torch

from magicportrait_core.diffusion.checkpoints.ldm_names import (
    is_checkpoint,
    is_vae,
    text_state,
    unet_name,
    unet_state,
    vae_name,
    vae_state,
)
from tests.ldm_layout import ldm_unet, ldm_vae


def numbered(keys):
    """A different value for each key, so that a swap of two is seen."""
    return {key: torch.full((2, 2), float(n)) for n, key in enumerate(sorted(keys))}


@pytest.mark.parametrize(
    ("theirs", "ours"),
    [
        ("input_blocks.0.0.weight", "conv_in.weight"),
        ("input_blocks.2.0.in_layers.2.bias", "down_blocks.0.resnets.1.conv1.bias"),
        ("input_blocks.3.0.op.weight", "down_blocks.0.downsamplers.0.conv.weight"),
        ("input_blocks.4.0.skip_connection.weight", "down_blocks.1.resnets.0.conv_shortcut.weight"),
        ("input_blocks.8.1.proj_in.weight", "down_blocks.2.attentions.1.proj_in.weight"),
        ("middle_block.1.norm.bias", "mid_block.attentions.0.norm.bias"),
        ("output_blocks.2.1.conv.weight", "up_blocks.0.upsamplers.0.conv.weight"),
        ("output_blocks.5.2.conv.weight", "up_blocks.1.upsamplers.0.conv.weight"),
        ("output_blocks.11.0.emb_layers.1.bias", "up_blocks.3.resnets.2.time_emb_proj.bias"),
        ("time_embed.2.weight", "time_embedding.linear_2.weight"),
        ("out.0.weight", "conv_norm_out.weight"),
        ("something.else", "something.else"),
    ],
)
def test_unet(theirs, ours):
    assert unet_name(theirs) == ours


@pytest.mark.parametrize(
    ("theirs", "ours"),
    [
        ("encoder.down.1.block.0.conv1.bias", "encoder.down_blocks.1.resnets.0.conv1.bias"),
        ("encoder.down.2.downsample.conv.bias", "encoder.down_blocks.2.downsamplers.0.conv.bias"),
        ("decoder.up.3.block.2.norm1.weight", "decoder.up_blocks.0.resnets.2.norm1.weight"),
        ("decoder.up.1.upsample.conv.weight", "decoder.up_blocks.2.upsamplers.0.conv.weight"),
        ("decoder.mid.attn_1.proj_out.bias", "decoder.mid_block.attentions.0.to_out.0.bias"),
        ("decoder.up.1.block.0.nin_shortcut.b", "decoder.up_blocks.2.resnets.0.conv_shortcut.b"),
        ("decoder.norm_out.weight", "decoder.conv_norm_out.weight"),
        ("quant_conv.weight", "quant_conv.weight"),
    ],
)  # fmt: skip
def test_vae(theirs, ours):
    assert vae_name(theirs, 4) == ours


def test_every_name_of_sd15(goldens):
    """Both directions written apart, on the full-size key sets: every key comes back."""
    folder = goldens / "diffusion"
    keys = json.loads((folder / "manifest_denoising_unet.json").read_text())
    unet = numbered(key for key in keys if "motion_modules" not in key)
    checkpoint = {f"model.diffusion_model.{k}": t for k, t in ldm_unet(unet).items()}
    assert len(checkpoint) == 686
    assert not set(ldm_unet(unet)) & set(unet)
    back = unet_state(checkpoint)
    assert back.keys() == unet.keys()
    assert all(back[key].equal(unet[key]) for key in unet)

    vae = numbered(json.loads((folder / "manifest_vae_expected.json").read_text()))
    theirs = ldm_vae(vae, layers=2)
    assert is_vae(theirs)
    assert not is_vae(vae)
    for state in (theirs, {f"first_stage_model.{k}": t for k, t in theirs.items()}):
        back = vae_state(state)
        assert back.keys() == vae.keys()
        assert all(back[key].flatten().equal(vae[key].flatten()) for key in vae)


def test_what_only_trains_is_left_out():
    state = {"encoder.conv_in.weight": torch.ones(1), "loss.logvar": torch.ones(1)}
    assert vae_state(state | {"model_ema.decay": torch.ones(1)}).keys() == {
        "encoder.conv_in.weight"
    }


def test_text():
    head = "cond_stage_model.transformer."
    one = torch.ones(1)
    assert text_state({f"{head}text_model.final_layer_norm.bias": one}).keys() == {
        "text_model.final_layer_norm.bias"
    }
    assert text_state({f"{head}final_layer_norm.bias": one}).keys() == {
        "text_model.final_layer_norm.bias"
    }


def test_is_checkpoint():
    assert is_checkpoint({"model.diffusion_model.out.0.bias": 1})
    assert not is_checkpoint({"out.0.bias": 1})
