"""Names in checkpoints of Stable Diffusion's first code, to diffusers' and transformers' names.

One checkpoint file holds the UNet, the autoencoder and the text encoder under these prefixes;
https://github.com/CompVis/stable-diffusion names the layers.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence

from torch import Tensor

UNET = "model.diffusion_model."
VAE = "first_stage_model."
TEXT = "cond_stage_model.transformer."

#: (pattern of the beginning of a name, what stands there instead); the first that fits counts
Rules = Sequence[tuple[str, str]]

_RESNET: Rules = (
    ("in_layers.0", "norm1"),
    ("in_layers.2", "conv1"),
    ("emb_layers.1", "time_emb_proj"),
    ("out_layers.0", "norm2"),
    ("out_layers.3", "conv2"),
    ("skip_connection", "conv_shortcut"),
)
_UNET_ENDS: Rules = (
    ("time_embed.0", "time_embedding.linear_1"),
    ("time_embed.2", "time_embedding.linear_2"),
    ("input_blocks.0.0", "conv_in"),
    ("out.0", "conv_norm_out"),
    ("out.2", "conv_out"),
)
_MIDDLE = ("resnets.0", "attentions.0", "resnets.1")
_PER_LEVEL = 3  #: blocks of a level in the numbering of input_blocks and output_blocks

_VAE_LAYERS: Rules = (
    ("nin_shortcut", "conv_shortcut"),
    ("norm_out", "conv_norm_out"),
    ("mid.block_1", "mid_block.resnets.0"),
    ("mid.block_2", "mid_block.resnets.1"),
    ("mid.attn_1.norm", "mid_block.attentions.0.group_norm"),
    ("mid.attn_1.q", "mid_block.attentions.0.to_q"),
    ("mid.attn_1.k", "mid_block.attentions.0.to_k"),
    ("mid.attn_1.v", "mid_block.attentions.0.to_v"),
    ("mid.attn_1.proj_out", "mid_block.attentions.0.to_out.0"),
)


def is_checkpoint(keys: Mapping) -> bool:
    """Whether it is one file of all three networks."""
    return any(key.startswith(UNET) for key in keys)


def is_vae(keys: Mapping) -> bool:
    """Whether it is an autoencoder with the first code's names."""
    return "encoder.mid.attn_1.q.weight" in keys


def unet_state(state: Mapping[str, Tensor]) -> dict[str, Tensor]:
    """The UNet of a checkpoint. Names that are not the first code's stay as they are."""
    return {unet_name(key): tensor for key, tensor in _below(state, UNET).items()}


def vae_state(state: Mapping[str, Tensor]) -> dict[str, Tensor]:
    """The autoencoder of a checkpoint, or of a file of its own, without what only trains it."""
    found = _below(state, VAE) or state
    levels = 1 + max((int(key.split(".")[2]) for key in found if ".up." in key[:12]), default=-1)
    kept = {k: t for k, t in found.items() if not k.startswith(("loss.", "model_ema."))}
    return {vae_name(key, levels): tensor for key, tensor in kept.items()}


def text_state(state: Mapping[str, Tensor]) -> dict[str, Tensor]:
    """The text encoder of a checkpoint."""
    found = _below(state, TEXT)
    head = "text_model."
    return {k if k.startswith(head) else head + k: tensor for k, tensor in found.items()}


def unet_name(key: str) -> str:
    """One name of the UNet, without its prefix."""
    if found := re.fullmatch(r"middle_block\.([012])\.(.+)", key):
        return f"mid_block.{_MIDDLE[int(found[1])]}.{_swap(found[2], _RESNET)}"
    if found := re.fullmatch(r"input_blocks\.([1-9]\d*)\.([01])\.(.+)", key):
        level, layer = divmod(int(found[1]) - 1, _PER_LEVEL)
        if layer == _PER_LEVEL - 1:
            return f"down_blocks.{level}.downsamplers.0.{_swap(found[3], (('op', 'conv'),))}"
        return _layer(f"down_blocks.{level}", layer, found[2], found[3])
    if found := re.fullmatch(r"output_blocks\.(\d+)\.([012])\.(.+)", key):
        level, layer = divmod(int(found[1]), _PER_LEVEL)
        if found[3].startswith("conv."):
            return f"up_blocks.{level}.upsamplers.0.{found[3]}"
        return _layer(f"up_blocks.{level}", layer, found[2], found[3])
    return _swap(key, _UNET_ENDS)


def vae_name(key: str, levels: int) -> str:
    """One name of the autoencoder, without its prefix; levels: how many the decoder has."""
    half, dot, rest = key.partition(".")
    if half not in ("encoder", "decoder"):
        return key
    if found := re.fullmatch(r"(down|up)\.(\d+)\.(block|downsample|upsample)\.(.+)", rest):
        way, number, what, end = found.groups()
        # the first code counts the decoder's levels from the finest
        level = int(number) if way == "down" else levels - 1 - int(number)
        if what == "block":
            layer, _, end = end.partition(".")
            return f"{half}.{way}_blocks.{level}.resnets.{layer}.{_swap(end, _VAE_LAYERS)}"
        return f"{half}.{way}_blocks.{level}.{what}rs.0.{end}"
    return half + dot + _swap(rest, _VAE_LAYERS)


def _layer(block: str, layer: int, place: str, rest: str) -> str:
    if place == "0":
        return f"{block}.resnets.{layer}.{_swap(rest, _RESNET)}"
    return f"{block}.attentions.{layer}.{rest}"


def _swap(name: str, rules: Rules) -> str:
    for old, new in rules:
        if name == old or name.startswith(old + "."):
            return new + name[len(old) :]
    return name


def _below(state: Mapping[str, Tensor], prefix: str) -> dict[str, Tensor]:
    return {k[len(prefix) :]: t for k, t in state.items() if k.startswith(prefix)}
