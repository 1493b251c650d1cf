"""Stable Diffusion's autoencoder: pictures to latents an eighth the size, and back.

https://arxiv.org/abs/2112.10752, section 3.1; names as in diffusers' AutoencoderKL.
"""

from __future__ import annotations

from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from ..checks import check_shape
from .inputs import check_size
from .layers.attention import Attend, attend
from .layers.build import Build
from .layers.configs import VAEConfig
from .layers.resnet import Downsample, ResnetBlock, Upsample
from .layers.transformer_layers import Attention

#: latents are the VAE's means times this
LATENT_SCALE = 0.18215
_EPS = 1e-6


class PixelAttention(Attention):
    """Self-attention over all pixels with one head, added to the input."""

    def __init__(self, build: Build, channels: int) -> None:
        super().__init__(build, channels, bias=True)
        self.group_norm = build.group_norm(channels, _EPS)

    def forward(self, x: Tensor, attend: Attend) -> Tensor:  # (n, c, h, w) -> the same
        tokens = self.group_norm(x).flatten(2).transpose(1, 2)
        return x + super().forward(tokens, attend).transpose(1, 2).reshape(x.shape)


class Level(nn.Module):
    """Resnets, then another size where ``resize`` is given."""

    def __init__(self, resnets: list[nn.Module], name: str, resize: nn.Module | None) -> None:
        super().__init__()
        self.resnets = nn.ModuleList(resnets)
        self.resize_name = name
        if resize is not None:
            setattr(self, name, nn.ModuleList([resize]))

    def forward(self, x: Tensor) -> Tensor:
        for resnet in self.resnets:
            x = resnet(x)
        for resize in getattr(self, self.resize_name, ()):
            x = resize(x)
        return x


class Middle(nn.Module):
    """Resnet, attention, resnet."""

    def __init__(self, build: Build, channels: int) -> None:
        super().__init__()
        self.resnets = nn.ModuleList(
            ResnetBlock(build, channels, channels, eps=_EPS) for _ in range(2)
        )
        self.attentions = nn.ModuleList([PixelAttention(build, channels)])

    def forward(self, x: Tensor, attend: Attend) -> Tensor:
        return self.resnets[1](self.attentions[0](self.resnets[0](x), attend))


class Encoder(nn.Module):
    """Pictures to means and log variances."""

    def __init__(self, config: VAEConfig, build: Build) -> None:
        super().__init__()
        wide, last = config.block_out_channels, len(config.block_out_channels) - 1
        self.conv_in = build.conv(config.in_channels, wide[0])
        self.down_blocks = nn.ModuleList()
        for level, c_out in enumerate(wide):
            inputs = [wide[max(level - 1, 0)], *[c_out] * (config.layers_per_block - 1)]
            resnets = [ResnetBlock(build, c_in, c_out, eps=_EPS) for c_in in inputs]
            resize = Downsample(build, c_out, one_sided=True) if level < last else None
            self.down_blocks.append(Level(resnets, "downsamplers", resize))
        self.mid_block = Middle(build, wide[-1])
        self.conv_norm_out = build.group_norm(wide[-1], _EPS)
        self.conv_out = build.conv(wide[-1], 2 * config.latent_channels)

    def forward(self, x: Tensor, attend: Attend) -> Tensor:
        x = self.conv_in(x)
        for block in self.down_blocks:
            x = block(x)
        return self.conv_out(F.silu(self.conv_norm_out(self.mid_block(x, attend))))


class Decoder(nn.Module):
    """Latents to pictures."""

    def __init__(self, config: VAEConfig, build: Build) -> None:
        super().__init__()
        wide = config.block_out_channels[::-1]
        self.conv_in = build.conv(config.latent_channels, wide[0])
        self.mid_block = Middle(build, wide[0])
        self.up_blocks = nn.ModuleList()
        for level, c_out in enumerate(wide):
            inputs = [wide[max(level - 1, 0)], *[c_out] * config.layers_per_block]
            resnets = [ResnetBlock(build, c_in, c_out, eps=_EPS) for c_in in inputs]
            resize = Upsample(build, c_out) if level < len(wide) - 1 else None
            self.up_blocks.append(Level(resnets, "upsamplers", resize))
        self.conv_norm_out = build.group_norm(wide[-1], _EPS)
        self.conv_out = build.conv(wide[-1], config.in_channels)

    def forward(self, z: Tensor, attend: Attend) -> Tensor:
        x = self.mid_block(self.conv_in(z), attend)
        for block in self.up_blocks:
            x = block(x)
        return self.conv_out(F.silu(self.conv_norm_out(x)))


class VAE(nn.Module):
    """Pictures are -1..1 here, latents scaled by LATENT_SCALE."""

    def __init__(
        self,
        config: VAEConfig = VAEConfig(),  # noqa: B008, frozen
        operations: Any = nn,
        dtype: torch.dtype | None = None,
        device: torch.device | str | None = None,
        attention: Attend = attend,
    ) -> None:
        super().__init__()
        build = Build(operations, dtype, device, config.norm_groups, heads=1)
        channels = config.latent_channels
        self.config = config
        self.attention = attention
        self.encoder = Encoder(config, build)
        self.decoder = Decoder(config, build)
        self.quant_conv = build.conv(2 * channels, 2 * channels, size=1)
        self.post_quant_conv = build.conv(channels, channels, size=1)

    @property
    def place(self) -> Tensor:
        """A weight that `optimize` leaves: where and in which dtype the network computes."""
        return self.decoder.conv_norm_out.weight

    def encode(self, pictures: Tensor) -> Tensor:
        """(n, 3, h, w) in -1..1 -> (n, 4, h/8, w/8): the mean, times LATENT_SCALE."""
        check_shape("pictures", pictures, "n", self.config.in_channels, "h", "w")
        step = 2 ** (len(self.config.block_out_channels) - 1)
        check_size(pictures.shape[3], pictures.shape[2], step)
        moments = self.quant_conv(self.encoder(pictures, self.attention))
        return moments.chunk(2, dim=1)[0] * LATENT_SCALE

    def decode(self, latents: Tensor) -> Tensor:
        """(n, 4, h, w) -> (n, 3, 8h, 8w), about -1..1, not clamped."""
        check_shape("latents", latents, "n", self.config.latent_channels, "h", "w")
        z = self.post_quant_conv(latents / LATENT_SCALE)
        return self.decoder(z, self.attention)
