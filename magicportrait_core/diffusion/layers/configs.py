"""The sizes of the networks. The defaults are those of Stable Diffusion 1.5 and of the paper."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from ...errors import InputError

Shapes = Mapping[str, tuple[int, ...]]  #: key of a state dict -> shape

_POSITIONS = (
    "down_blocks.0.motion_modules.0.temporal_transformer.transformer_blocks.0"
    ".attention_blocks.0.pos_encoder.pe"
)


@dataclass(frozen=True)
class UNetConfig:
    """Denoising and reference UNet: four levels, the last without spatial attention."""

    block_out_channels: tuple[int, ...] = (320, 640, 1280, 1280)
    cross_attention_dim: int = 768  #: channels of the text
    heads: int = 8  #: of every attention; SD1.5's files call this number attention_head_dim
    layers_per_block: int = 2
    norm_groups: int = 32
    in_channels: int = 4
    out_channels: int = 4
    max_frames: int = 32  #: positions that the motion modules know

    @staticmethod
    def of(shapes: Shapes) -> UNetConfig:
        """The sizes that a state dict with SD1.5's layout has."""
        levels = _count(shapes, "down_blocks.{}.resnets.0.conv1.weight")
        wide = [_shape(shapes, f"down_blocks.{i}.resnets.0.conv1.weight")[0] for i in range(levels)]
        text = "down_blocks.0.attentions.0.transformer_blocks.0.attn2.to_k.weight"
        return UNetConfig(
            block_out_channels=tuple(wide),
            cross_attention_dim=_shape(shapes, text)[1],
            layers_per_block=_count(shapes, "down_blocks.0.resnets.{}.conv1.weight"),
            in_channels=_shape(shapes, "conv_in.weight")[1],
            out_channels=_shape({"conv_out.weight": (4, 1)} | shapes, "conv_out.weight")[0],
            max_frames=_frames(shapes),
        )

    @staticmethod
    def of_motion(shapes: Shapes) -> UNetConfig:
        """The sizes that a file of motion modules alone has; of the text it knows nothing."""
        norm = "down_blocks.{}.motion_modules.0.temporal_transformer.norm.weight"
        modules = "down_blocks.0.motion_modules.{}.temporal_transformer.norm.weight"
        levels = _count(shapes, norm)
        return UNetConfig(
            block_out_channels=tuple(_shape(shapes, norm.format(i), 1)[0] for i in range(levels)),
            layers_per_block=_count(shapes, modules),
            max_frames=_frames(shapes),
        )


@dataclass(frozen=True)
class GuidanceConfig:
    """One guidance encoder: every level but the last halves the picture."""

    block_out_channels: tuple[int, ...] = (16, 32, 96, 256)
    embedding_channels: int = 320  #: channels after the denoiser's conv_in
    in_channels: int = 3
    heads: int = 8
    norm_groups: int = 32

    @staticmethod
    def of(shapes: Shapes) -> GuidanceConfig:
        """The sizes that a state dict has."""
        convs = _count(shapes, "blocks.{}.weight")
        wide = [_shape(shapes, f"blocks.{i}.weight")[1] for i in range(0, convs, 2)]
        out = _shape(shapes, "conv_out.weight")
        return GuidanceConfig(
            block_out_channels=(*wide, out[1]),
            embedding_channels=out[0],
            in_channels=_shape(shapes, "conv_in.weight")[1],
        )


@dataclass(frozen=True)
class VAEConfig:
    """Stable Diffusion's autoencoder."""

    block_out_channels: tuple[int, ...] = (128, 256, 512, 512)
    layers_per_block: int = 2
    latent_channels: int = 4
    in_channels: int = 3
    norm_groups: int = 32

    @staticmethod
    def of(shapes: Shapes) -> VAEConfig:
        """The sizes that a state dict has."""
        levels = _count(shapes, "encoder.down_blocks.{}.resnets.0.conv1.weight")
        conv = "encoder.down_blocks.{}.resnets.0.conv1.weight"
        return VAEConfig(
            block_out_channels=tuple(_shape(shapes, conv.format(i))[0] for i in range(levels)),
            layers_per_block=_count(shapes, "encoder.down_blocks.0.resnets.{}.conv1.weight"),
            latent_channels=_shape(shapes, "decoder.conv_in.weight")[1],
            in_channels=_shape(shapes, "encoder.conv_in.weight")[1],
        )


@dataclass(frozen=True)
class TextConfig:
    """CLIP's text encoder."""

    channels: int = 768
    inner_channels: int = 3072  #: inside the feed-forward
    layers: int = 12
    heads: int = 12
    vocabulary: int = 49408
    positions: int = 77

    @staticmethod
    def of(shapes: Shapes) -> TextConfig:
        """The sizes that a state dict has; CLIP's heads are 64 channels wide."""
        vocabulary, channels = _shape(shapes, "text_model.embeddings.token_embedding.weight")
        return TextConfig(
            channels=channels,
            inner_channels=_shape(shapes, "text_model.encoder.layers.0.mlp.fc1.weight")[0],
            layers=_count(shapes, "text_model.encoder.layers.{}.mlp.fc1.weight"),
            heads=max(1, channels // 64),
            vocabulary=vocabulary,
            positions=_shape(shapes, "text_model.embeddings.position_embedding.weight")[0],
        )


def _shape(shapes: Shapes, key: str, least: int = 2) -> tuple[int, ...]:
    """Of a tensor that must be there, with at least so many dimensions, none of them empty."""
    if key not in shapes:
        raise InputError(f"these are not the weights of this network: {key} is missing.")
    shape = tuple(shapes[key])
    if len(shape) < least or not all(shape):
        raise InputError(f"these are not the weights of this network: {key} is {shape}.")
    return shape


def _frames(shapes: Shapes) -> int:
    """As many as there are positions, where a file has them."""
    return _shape({_POSITIONS: (1, 32)} | shapes, _POSITIONS)[1]


def _count(shapes: Shapes, pattern: str) -> int:
    number = 0
    while pattern.format(number) in shapes:
        number += 1
    if not number:
        raise InputError(f"these are not the weights of this network: {pattern.format(0)} missing.")
    return number
