"""Networks written as Stable Diffusion's first code names them, by walking over its blocks."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from torch import Tensor

State = Mapping[str, Tensor]


def _resnet(ours: str, theirs: str) -> Iterator[tuple[str, str]]:
    yield f"{ours}.norm1", f"{theirs}.in_layers.0"
    yield f"{ours}.conv1", f"{theirs}.in_layers.2"
    yield f"{ours}.time_emb_proj", f"{theirs}.emb_layers.1"
    yield f"{ours}.norm2", f"{theirs}.out_layers.0"
    yield f"{ours}.conv2", f"{theirs}.out_layers.3"
    yield f"{ours}.conv_shortcut", f"{theirs}.skip_connection"


def _unet_names() -> Iterator[tuple[str, str]]:
    yield "conv_in", "input_blocks.0.0"
    yield "time_embedding.linear_1", "time_embed.0"
    yield "time_embedding.linear_2", "time_embed.2"
    yield "conv_norm_out", "out.0"
    yield "conv_out", "out.2"
    block = 1
    for level in range(4):
        for layer in range(2):
            yield from _resnet(f"down_blocks.{level}.resnets.{layer}", f"input_blocks.{block}.0")
            yield f"down_blocks.{level}.attentions.{layer}", f"input_blocks.{block}.1"
            block += 1
        yield f"down_blocks.{level}.downsamplers.0.conv", f"input_blocks.{block}.0.op"
        block += 1
    yield from _resnet("mid_block.resnets.0", "middle_block.0")
    yield "mid_block.attentions.0", "middle_block.1"
    yield from _resnet("mid_block.resnets.1", "middle_block.2")
    block = 0
    for level in range(4):
        for layer in range(3):
            yield from _resnet(f"up_blocks.{level}.resnets.{layer}", f"output_blocks.{block}.0")
            yield f"up_blocks.{level}.attentions.{layer}", f"output_blocks.{block}.1"
            block += 1
        place = 1 if level == 0 else 2  # the first level has no attention before its upsampler
        yield f"up_blocks.{level}.upsamplers.0", f"output_blocks.{block - 1}.{place}"


def _vae_names(layers: int) -> Iterator[tuple[str, str]]:
    for half, blocks, count in (("encoder", "down", layers), ("decoder", "up", layers + 1)):
        yield f"{half}.conv_norm_out", f"{half}.norm_out"
        for number in range(2):
            yield f"{half}.mid_block.resnets.{number}", f"{half}.mid.block_{number + 1}"
        attention = f"{half}.mid_block.attentions.0"
        for ours, theirs in (
            ("group_norm", "norm"),
            ("to_q", "q"),
            ("to_k", "k"),
            ("to_v", "v"),
            ("to_out.0", "proj_out"),
        ):
            yield f"{attention}.{ours}", f"{half}.mid.attn_1.{theirs}"
        for level in range(4):
            theirs = level if blocks == "down" else 3 - level
            for layer in range(count):
                ours = f"{half}.{blocks}_blocks.{level}.resnets.{layer}"
                yield ours, f"{half}.{blocks}.{theirs}.block.{layer}"
            sampler = f"{blocks}samplers.0"
            yield (
                f"{half}.{blocks}_blocks.{level}.{sampler}",
                f"{half}.{blocks}.{theirs}.{blocks}sample",
            )


def _renamed(state: State, names: dict[str, str]) -> dict[str, Tensor]:
    made = {}
    for key, tensor in state.items():
        fits = [ours for ours in names if key.startswith(ours + ".")]
        ours = max(fits, key=len, default="")
        made[names[ours] + key[len(ours) :] if ours else key] = tensor
    return made


def ldm_unet(state: State) -> dict[str, Tensor]:
    """A UNet of Stable Diffusion 1.5's layout."""
    return _renamed(state, dict(_unet_names()))


def ldm_vae(state: State, layers: int) -> dict[str, Tensor]:
    """An autoencoder; its attention is of 1x1 convolutions there."""
    made = _renamed(state, dict(_vae_names(layers)))
    for key in made:
        if ".attn_1." in key and made[key].ndim == 2:
            made[key] = made[key][:, :, None, None]
    return {k.replace("conv_shortcut", "nin_shortcut"): t for k, t in made.items()}


def ldm_checkpoint(unet: State, vae: State, layers: int, text: State) -> dict[str, Tensor]:
    """All three in one file."""
    return {
        **{f"model.diffusion_model.{k}": t for k, t in ldm_unet(unet).items()},
        **{f"first_stage_model.{k}": t for k, t in ldm_vae(vae, layers).items()},
        **{f"cond_stage_model.transformer.{k}": t for k, t in text.items()},
    }
