"""Convolutional layers of the UNets and the VAE, and the embedding of time."""

from __future__ import annotations

import math

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from .build import Build
from .memo import Memo


class ResnetBlock(nn.Module):
    """Two normalised convolutions, the time added between, plus the input."""

    def __init__(
        self,
        build: Build,
        c_in: int,
        c_out: int,
        time_channels: int | None = None,
        eps: float = 1e-5,
    ) -> None:
        super().__init__()
        self.norm1 = build.group_norm(c_in, eps)
        self.conv1 = build.conv(c_in, c_out)
        if time_channels is not None:
            self.time_emb_proj = build.linear(time_channels, c_out)
        self.norm2 = build.group_norm(c_out, eps)
        self.conv2 = build.conv(c_out, c_out)
        self.conv_shortcut = build.conv(c_in, c_out, size=1) if c_in != c_out else None

    def forward(self, x: Tensor, time: Tensor | None = None, memo: Memo | None = None) -> Tensor:
        """(b, c_in, h, w) -> (b, c_out, h, w); time: (1, c) or (b, c), after its SiLU."""
        y = self.conv1(F.silu(self.norm1(x)))
        if time is not None:
            y = y + memo.of(self, time, lambda: self.time_emb_proj(time)[:, :, None, None])
        y = self.conv2(F.silu(self.norm2(y)))
        return y + (x if self.conv_shortcut is None else self.conv_shortcut(x))


class Downsample(nn.Module):
    """Half the size. The VAE pads right and bottom only."""

    def __init__(self, build: Build, channels: int, one_sided: bool = False) -> None:
        super().__init__()
        self.one_sided = one_sided
        self.conv = build.conv(channels, channels, stride=2, padding=0 if one_sided else 1)

    def forward(self, x: Tensor) -> Tensor:
        return self.conv(F.pad(x, (0, 1, 0, 1)) if self.one_sided else x)


class Upsample(nn.Module):
    """To the size asked for, or twice the size; nearest, then a convolution."""

    def __init__(self, build: Build, channels: int) -> None:
        super().__init__()
        self.conv = build.conv(channels, channels)

    def forward(self, x: Tensor, size: tuple[int, int] | None = None) -> Tensor:
        size = size or (2 * x.shape[2], 2 * x.shape[3])
        return self.conv(F.interpolate(x, size=size, mode="nearest"))


def sinusoid(timesteps: Tensor, channels: int) -> Tensor:
    """(r,) -> (r, channels) float32: cosines, then sines, of falling frequencies.

    https://arxiv.org/abs/1706.03762, section 3.5, as Stable Diffusion orders it.
    """
    half = channels // 2
    steps = torch.arange(half, dtype=torch.float32, device=timesteps.device)
    angles = timesteps.float()[:, None] * torch.exp(-math.log(10000) * steps / half)[None]
    return torch.cat([angles.cos(), angles.sin()], dim=-1)


class TimeEmbedding(nn.Module):
    """The sinusoid through two linear layers."""

    def __init__(self, build: Build, c_in: int, c_out: int) -> None:
        super().__init__()
        self.linear_1 = build.linear(c_in, c_out)
        self.linear_2 = build.linear(c_out, c_out)

    def forward(self, waves: Tensor) -> Tensor:  # (r, c_in) -> (r, c_out)
        return self.linear_2(F.silu(self.linear_1(waves)))
