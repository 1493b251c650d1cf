"""The transformer over time: each pixel's frames are its tokens.

AnimateDiff, https://arxiv.org/abs/2307.04725, section 4.3.
"""

from __future__ import annotations

import math

import torch
from torch import Tensor, nn

from ..errors import InputError
from .layers.attention import Attend
from .layers.build import Build
from .layers.forward_pass import Pass
from .layers.transformer_layers import Attention, FeedForward


class PositionalEncoding(nn.Module):
    """Adds a sinusoid of the frame's place in the window. It is part of the checkpoint."""

    def __init__(self, channels: int, max_frames: int, device: torch.device | str | None = None):
        super().__init__()
        self.register_buffer("pe", positions(max_frames, channels).to(device))

    def forward(self, x: Tensor) -> Tensor:  # (b, n, c) -> the same
        return x + self.pe[:, : x.shape[1]].to(x)


def positions(frames: int, channels: int) -> Tensor:
    """(1, frames, channels) float32; sines in even channels, cosines in odd ones."""
    place = torch.arange(frames).unsqueeze(1)
    angles = place * torch.exp(torch.arange(0, channels, 2) * (-math.log(10000.0) / channels))
    return torch.stack([angles.sin(), angles.cos()], dim=-1).flatten(1)[None]


class TemporalAttention(Attention):
    """Self-attention of tokens that know their place."""

    def __init__(self, build: Build, channels: int, max_frames: int) -> None:
        super().__init__(build, channels)
        self.pos_encoder = PositionalEncoding(channels, max_frames, build.device)

    def forward(self, tokens: Tensor, attend: Attend) -> Tensor:
        return super().forward(self.pos_encoder(tokens), attend)


class TemporalBlock(nn.Module):
    """Self-attention twice, then feed-forward, each added."""

    def __init__(self, build: Build, channels: int, max_frames: int) -> None:
        super().__init__()
        self.attention_blocks = nn.ModuleList(
            TemporalAttention(build, channels, max_frames) for _ in range(2)
        )
        self.norms = nn.ModuleList(build.layer_norm(channels) for _ in range(2))
        self.ff = FeedForward(build, channels)
        self.ff_norm = build.layer_norm(channels)

    def forward(self, x: Tensor, attend: Attend) -> Tensor:  # (b, n, c) -> the same
        for norm, attention in zip(self.norms, self.attention_blocks, strict=True):
            x = x + attention(norm(x), attend)
        return x + self.ff(self.ff_norm(x))


class TemporalTransformer(nn.Module):
    """What a motion module is made of."""

    def __init__(self, build: Build, channels: int, max_frames: int) -> None:
        super().__init__()
        self.norm = build.group_norm(channels, eps=1e-6)
        self.proj_in = build.linear(channels, channels)
        self.transformer_blocks = nn.ModuleList([TemporalBlock(build, channels, max_frames)])
        self.proj_out = build.linear(channels, channels)

    def forward(self, x: Tensor, run: Pass) -> Tensor:  # (b, c, h, w) -> the same
        frames = self.norm(x).flatten(2).unflatten(0, (-1, run.frames))  # (k, n, c, h * w)
        chunks, n, c, pixels = frames.shape
        tokens = frames.permute(0, 3, 1, 2).reshape(-1, n, c)
        tokens = self.proj_in(tokens)
        for block in self.transformer_blocks:
            tokens = block(tokens, run.attend)
        moved = self.proj_out(tokens).view(chunks, pixels, n, c).permute(0, 2, 3, 1)
        return (x.unflatten(0, (chunks, n)) + moved.unflatten(3, x.shape[2:])).flatten(0, 1)


class MotionModule(nn.Module):
    """One of the 21; the norms see one frame at a time."""

    def __init__(self, build: Build, channels: int, max_frames: int) -> None:
        super().__init__()
        self.temporal_transformer = TemporalTransformer(build, channels, max_frames)

    def forward(self, x: Tensor, run: Pass) -> Tensor:
        return self.temporal_transformer(x, run)


def check_window(frames: int, max_frames: int) -> None:
    """Raise InputError for more frames than there are positions."""
    if frames > max_frames:
        raise InputError(
            f"a window of {frames} frames is longer than the {max_frames} positions of the motion "
            f"modules: use windows of at most {max_frames} frames."
        )
