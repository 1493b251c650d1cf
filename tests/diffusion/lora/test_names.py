"""One layer, called as each trainer calls it."""

import pytest

from magicportrait_core.diffusion.layers.configs import UNetConfig
from magicportrait_core.diffusion.lora.names import LayerNames, is_text_encoder
from magicportrait_core.diffusion.unet import DenoisingUNet

ATTENTION = "down_blocks.1.attentions.0.transformer_blocks.0.attn1.to_q"
OUTPUT = "mid_block.attentions.0.transformer_blocks.0.attn2.to_out.0"
MOTION = (
    "up_blocks.3.motion_modules.2.temporal_transformer.transformer_blocks.0.attention_blocks.1"
    ".to_out.0"
)


@pytest.fixture(scope="module")
def names() -> LayerNames:
    """Those of the whole network; its layers per block, on which the numbers hang, are SD1.5's."""
    config = UNetConfig((8, 8, 8, 8), cross_attention_dim=8, heads=2, norm_groups=4)
    return LayerNames(DenoisingUNet(config, device="meta").state_dict())


@pytest.mark.parametrize(
    ("name", "layer"),
    [
        # kohya: diffusers' names, then those of the original code
        ("lora_unet_down_blocks_1_attentions_0_transformer_blocks_0_attn1_to_q", ATTENTION),
        ("lora_unet_input_blocks_4_1_transformer_blocks_0_attn1_to_q", ATTENTION),
        ("lora_unet_middle_block_1_transformer_blocks_0_attn2_to_out_0", OUTPUT),
        ("lora_unet_input_blocks_1_0_in_layers_2", "down_blocks.0.resnets.0.conv1"),
        ("lora_unet_input_blocks_5_0_emb_layers_1", "down_blocks.1.resnets.1.time_emb_proj"),
        ("lora_unet_input_blocks_6_0_op", "down_blocks.1.downsamplers.0.conv"),
        ("lora_unet_middle_block_2_out_layers_3", "mid_block.resnets.1.conv2"),
        ("lora_unet_output_blocks_2_1_conv", "up_blocks.0.upsamplers.0.conv"),
        ("lora_unet_output_blocks_5_2_conv", "up_blocks.1.upsamplers.0.conv"),
        ("lora_unet_output_blocks_11_1_proj_in", "up_blocks.3.attentions.2.proj_in"),
        ("lora_unet_output_blocks_3_0_skip_connection", "up_blocks.1.resnets.0.conv_shortcut"),
        ("lora_unet_time_embed_2", "time_embedding.linear_2"),
        ("lora_unet_input_blocks_0_0", "conv_in"),
        ("lora_unet_out_2", "conv_out"),
        # peft, with and without prefixes
        (ATTENTION, ATTENTION),
        (f"unet.{ATTENTION}", ATTENTION),
        (f"base_model.model.{ATTENTION}", ATTENTION),
        (f"unet.base_model.model.{OUTPUT}", OUTPUT),
        # diffusers' old processors
        (f"unet.{ATTENTION.replace('.to_q', '.processor.to_q')}", ATTENTION),
        (OUTPUT.replace(".to_out.0", ".processor.to_out"), OUTPUT),
        # motion modules: AnimateDiff's own, kohya's, diffusers' motion adapters
        (f"module.{MOTION.replace('.to_out.0', '.processor.to_out')}", MOTION),
        (f"lora_unet_{MOTION.replace('.', '_')}", MOTION),
        ("unet.up_blocks.3.motion_modules.2.transformer_blocks.0.attn2.to_out.0", MOTION),
        # ComfyUI
        (f"diffusion_model.{ATTENTION}", ATTENTION),
    ],
)
def test_every_name_finds_its_layer(names, name, layer):
    assert names.find(name) == f"{layer}.weight"


@pytest.mark.parametrize(
    "name",
    [
        "lora_unet_down_blocks_1_attentions_7_transformer_blocks_0_attn1_to_q",
        "lora_unet_double_blocks_0_img_attn_qkv",
        "lora_te_text_model_encoder_layers_0_mlp_fc1",
        "",
    ],
)
def test_others_find_none(names, name):
    assert names.find(name) is None


@pytest.mark.parametrize(
    "name",
    [
        "lora_te_text_model_encoder_layers_0_mlp_fc1",
        "lora_te1_text_model_encoder_layers_0_mlp_fc1",
        "text_encoder.text_model.encoder.layers.0.self_attn.q_proj",
        "base_model.model.text_model.encoder.layers.0.self_attn.q_proj",
    ],
)
def test_a_text_encoder_is_known(name):
    assert is_text_encoder(name)
    assert not is_text_encoder(f"lora_unet_{ATTENTION.replace('.', '_')}")
