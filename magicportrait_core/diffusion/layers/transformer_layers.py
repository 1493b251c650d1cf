"""The layers every transformer here is made of."""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from .attention import Attend
from .build import Build

#: bytes of a feed-forward's widest array on the CPU: beyond that it is made in pieces
PIECE_BYTES = 20 << 20


class Attention(nn.Module):
    """Queries of some tokens on others, or on themselves."""

    def __init__(
        self, build: Build, channels: int, source_channels: int | None = None, bias: bool = False
    ) -> None:
        super().__init__()
        self.heads = build.heads
        self.head_width = channels // build.heads
        self.to_q = build.linear(channels, channels, bias)
        self.to_k = build.linear(source_channels or channels, channels, bias)
        self.to_v = build.linear(source_channels or channels, channels, bias)
        # a checkpoint calls the output to_out.0: a dropout followed it
        self.to_out = nn.ModuleList([build.linear(channels, channels)])

    def forward(self, tokens: Tensor, attend: Attend) -> Tensor:  # (b, s, c) -> (b, s, c)
        """Self-attention."""
        q, k, v = self.to_q(tokens), self.to_k(tokens), self.to_v(tokens)
        return self.output(attend(q, k, v, self.heads))

    def keys_values(self, source: Tensor) -> tuple[Tensor, Tensor]:  # (r, m, c') -> (r, m, c)
        return self.to_k(source), self.to_v(source)

    def output(self, attended: Tensor) -> Tensor:
        return self.to_out[0](attended)


class GatedProjection(nn.Module):
    """GEGLU, https://arxiv.org/abs/2002.05202, with the exact GELU."""

    def __init__(self, build: Build, c_in: int, c_out: int) -> None:
        super().__init__()
        self.proj = build.linear(c_in, 2 * c_out)

    def forward(self, x: Tensor) -> Tensor:
        value, gate = self.proj(x).chunk(2, dim=-1)
        return value * F.gelu(gate)


class FeedForward(nn.Module):
    """Four times as wide inside."""

    def __init__(self, build: Build, channels: int) -> None:
        super().__init__()
        # names in a checkpoint: net.0.proj, net.2; net.1 was a dropout
        inner = self.inner = 4 * channels
        self.net = nn.Sequential(
            GatedProjection(build, channels, inner), nn.Identity(), build.linear(inner, channels)
        )

    def forward(self, x: Tensor) -> Tensor:  # (..., c) -> the same
        tokens = x.reshape(-1, x.shape[-1])
        most = max(1, PIECE_BYTES // (2 * self.inner * x.element_size()))
        if x.device.type != "cpu" or len(tokens) <= most:
            return self.net(x)
        return torch.cat([self.net(piece) for piece in tokens.split(most)]).view(x.shape)
