"""The transformer over the pixels of a frame: self-attention, text, feed-forward."""

from __future__ import annotations

from torch import Tensor, nn

from ..layers.build import Build
from ..layers.forward_pass import Pass
from ..layers.hooks import Site, Spot
from ..layers.transformer_layers import Attention, FeedForward
from ..reference_attention import hooked_attention, self_attention


class TransformerBlock(nn.Module):
    """Three residual steps. Without text channels there is no step for the text."""

    def __init__(self, build: Build, channels: int, text_channels: int | None, site: Site | None):
        super().__init__()
        self.site = site
        self.norm1 = build.layer_norm(channels)
        self.attn1 = Attention(build, channels)
        if text_channels is not None:
            self.norm2 = build.layer_norm(channels)
            self.attn2 = Attention(build, channels, text_channels)
        self.norm3 = build.layer_norm(channels)
        self.ff = FeedForward(build, channels)

    def forward(self, x: Tensor, run: Pass) -> Tensor:  # (b, s, c) -> (b, s, c)
        seen = self.norm1(x)
        if run.record is not None:
            run.record[self.site.name] = seen
        x = x + self_attention(self.attn1, self.site, seen, run)
        if run.hooks is not None:
            x = run.hooks.between(self._spot("attn1", self.attn1, run), x)
        if run.text is not None:
            x = x + self._read_text(self.norm2(x), run)
        return x + self.ff(self.norm3(x))

    def _read_text(self, x: Tensor, run: Pass) -> Tensor:
        """Attention to the text. Frames with the same text are one long row: no copies of it."""
        layer, text = self.attn2, run.text
        if run.hooks is not None and run.hooks.watches("attn2", self.site):
            rows = text.repeat_interleave(len(x) // len(text), 0)
            spot = self._spot("attn2", layer, run)
            return hooked_attention(layer, spot, x, rows, run.attend, run.hooks)
        k, v = run.memo.of(layer, text, lambda: layer.keys_values(text))
        q = layer.to_q(x)
        out = run.attend(q.reshape(len(text), -1, q.shape[-1]), k, v, layer.heads)
        return layer.output(out.reshape(q.shape))

    def _spot(self, kind: str, layer: Attention, run: Pass) -> Spot:
        chunks = tuple(number for group in run.groups for number in group.chunks)
        return Spot(kind, self.site, layer.heads, layer.head_width, chunks)


class SpatialTransformer(nn.Module):
    """One block over a frame's pixels as tokens, added to the input."""

    def __init__(
        self, build: Build, channels: int, text_channels: int | None, site: Site | None = None
    ) -> None:
        super().__init__()
        self.norm = build.group_norm(channels, eps=1e-6)
        self.proj_in = build.conv(channels, channels, size=1)
        self.transformer_blocks = nn.ModuleList(
            [TransformerBlock(build, channels, text_channels, site)]
        )
        self.proj_out = build.conv(channels, channels, size=1)

    def forward(self, x: Tensor, run: Pass) -> Tensor:  # (b, c, h, w) -> (b, c, h, w)
        tokens = self.proj_in(self.norm(x)).flatten(2).transpose(1, 2).contiguous()
        for block in self.transformer_blocks:
            tokens = block(tokens, run)
        return x + self.proj_out(tokens.transpose(1, 2).reshape(x.shape))


class RecordingTransformer(nn.Module):
    """What is left of the reference UNet's last transformer: all after its norm1 goes nowhere."""

    def __init__(self, build: Build, channels: int, site: Site) -> None:
        super().__init__()
        self.site = site
        self.norm = build.group_norm(channels, eps=1e-6)
        self.proj_in = build.conv(channels, channels, size=1)
        block = nn.Module()
        block.norm1 = build.layer_norm(channels)
        self.transformer_blocks = nn.ModuleList([block])

    def forward(self, x: Tensor, run: Pass) -> Tensor:  # (b, c, h, w) -> the same
        tokens = self.proj_in(self.norm(x)).flatten(2).transpose(1, 2).contiguous()
        run.record[self.site.name] = self.transformer_blocks[0].norm1(tokens)
        return x
