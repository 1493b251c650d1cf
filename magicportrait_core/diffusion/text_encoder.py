"""CLIP's text encoder, ViT-L/14: a prompt's 77 tokens to their last hidden states.

https://arxiv.org/abs/2103.00020, section 2.4; names as in transformers' CLIPTextModel.
"""

from __future__ import annotations

from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from ..checks import check_shape
from ..errors import InputError
from .layers.build import Build
from .layers.configs import TextConfig

START, END = 49406, 49407  #: the tokens round a prompt; Stable Diffusion 1.5 pads with END
TOKENS = 77
PROMPT = "A close up of a person."  #: the one prompt of the paper's code
#: its tokens, without those round it
PROMPT_IDS = (320, 2660, 705, 539, 320, 2533, 269)


class Table(nn.Module):
    """Rows of numbers, looked up. nn.Embedding draws them first, which takes seconds on meta."""

    def __init__(self, rows: int, channels: int, dtype: Any, device: Any) -> None:
        super().__init__()
        self.weight = nn.Parameter(torch.zeros(rows, channels, dtype=dtype, device=device))

    def forward(self, numbers: Tensor) -> Tensor:  # (b, s) -> (b, s, c)
        return F.embedding(numbers, self.weight)


class TextAttention(nn.Module):
    """Tokens on themselves and on those before them."""

    def __init__(self, build: Build, channels: int) -> None:
        super().__init__()
        self.heads = build.heads
        self.q_proj = build.linear(channels, channels)
        self.k_proj = build.linear(channels, channels)
        self.v_proj = build.linear(channels, channels)
        self.out_proj = build.linear(channels, channels)

    def forward(self, x: Tensor) -> Tensor:  # (b, s, c) -> (b, s, c)
        q, k, v = (
            layer(x).unflatten(2, (self.heads, -1)).transpose(1, 2)
            for layer in (self.q_proj, self.k_proj, self.v_proj)
        )
        seen = F.scaled_dot_product_attention(q, k, v, is_causal=True)
        return self.out_proj(seen.transpose(1, 2).flatten(2))


class TextLayer(nn.Module):
    """Attention and feed-forward, each after a norm and added to its input."""

    def __init__(self, build: Build, config: TextConfig) -> None:
        super().__init__()
        self.layer_norm1 = build.layer_norm(config.channels)
        self.self_attn = TextAttention(build, config.channels)
        self.layer_norm2 = build.layer_norm(config.channels)
        self.mlp = nn.ModuleDict(
            {
                "fc1": build.linear(config.channels, config.inner_channels),
                "fc2": build.linear(config.inner_channels, config.channels),
            }
        )

    def forward(self, x: Tensor) -> Tensor:
        x = x + self.self_attn(self.layer_norm1(x))
        y = self.mlp["fc1"](self.layer_norm2(x))
        return x + self.mlp["fc2"](y * torch.sigmoid(1.702 * y))  # CLIP's quick form of GELU


class TextEncoder(nn.Module):
    """Tokens to hidden states, after the final norm."""

    def __init__(
        self,
        config: TextConfig = TextConfig(),  # noqa: B008, frozen
        operations: Any = nn,
        dtype: torch.dtype | None = None,
        device: torch.device | str | None = None,
    ) -> None:
        super().__init__()
        build = Build(operations, dtype, device, heads=config.heads)
        self.config = config
        model = nn.Module()
        model.embeddings = nn.ModuleDict(
            {
                "token_embedding": Table(config.vocabulary, config.channels, dtype, device),
                "position_embedding": Table(config.positions, config.channels, dtype, device),
            }
        )
        model.encoder = nn.Module()
        model.encoder.layers = nn.ModuleList(TextLayer(build, config) for _ in range(config.layers))
        model.final_layer_norm = build.layer_norm(config.channels)
        self.text_model = model

    def forward(self, tokens: Tensor) -> Tensor:
        """(b, s) integers, s at most 77 -> (b, s, c)."""
        s = check_shape("tokens", tokens, "b", "s")["s"]
        if s > self.config.positions:
            raise InputError(f"at most {self.config.positions} tokens are read, got {s}")
        embeddings = self.text_model.embeddings
        x = embeddings["token_embedding"](tokens) + embeddings["position_embedding"].weight[:s]
        for layer in self.text_model.encoder.layers:
            x = layer(x)
        return self.text_model.final_layer_norm(x)


def pad_tokens(ids: tuple[int, ...] | list[int]) -> Tensor:
    """(1, 77) tokens of a prompt's own, as Stable Diffusion 1.5 reads them. Long ones are cut."""
    ids = [START, *ids[: TOKENS - 2]]
    return torch.tensor([ids + [END] * (TOKENS - len(ids))])


@torch.no_grad()
def encode_prompt(encoder: TextEncoder, ids: tuple[int, ...] = PROMPT_IDS) -> Tensor:
    """(1, 77, c) float32, of the paper's prompt unless told otherwise."""
    device = encoder.text_model.final_layer_norm.weight.device
    return encoder(pad_tokens(ids).to(device)).float()
