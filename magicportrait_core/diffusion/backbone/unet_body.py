"""What the denoising and the reference UNet have in common: all but the output layers."""

from __future__ import annotations

import torch
from torch import Tensor, nn

from ...checks import check_shape
from ...errors import InputError
from ..layers.forward_pass import Pass
from ..layers.memo import Memo
from ..layers.resnet import TimeEmbedding, sinusoid
from .blocks import DownBlock, MidBlock, Plan, UpBlock
from .skips import Residuals, Skips, add_residual


class UNetBody(nn.Module):
    """Stable Diffusion 1.5's UNet, https://arxiv.org/abs/2112.10752, on frames (b, c, h, w)."""

    def __init__(self, plan: Plan) -> None:
        super().__init__()
        wide = plan.config.block_out_channels
        self.config = plan.config
        self.conv_in = plan.build.conv(plan.config.in_channels, wide[0])
        self.time_embedding = TimeEmbedding(plan.build, wide[0], 4 * wide[0])
        self.down_blocks = nn.ModuleList(DownBlock(plan, level) for level in range(len(wide)))
        self.mid_block = MidBlock(plan)
        self.up_blocks = nn.ModuleList(UpBlock(plan, number) for number in range(len(wide)))

    @property
    def dtype(self) -> torch.dtype:
        """Of the weights as they are stored."""
        return self.conv_in.weight.dtype

    def embed_time(self, timestep: Tensor | float, x: Tensor, frames: int, memo: Memo) -> Tensor:
        """The embedding after its SiLU, (1, c) for one time, else (b, c).

        timestep: a number, or a tensor of one, of one a chunk, or of one a row of x.
        """

        def embed() -> Tensor:
            times = torch.as_tensor(timestep, device=x.device).reshape(-1)
            waves = sinusoid(times, self.config.block_out_channels[0])
            return nn.functional.silu(self.time_embedding(waves.to(x.dtype)))

        made = memo.of(self.time_embedding, timestep, embed)
        if len(made) in (1, len(x)):
            return made
        if len(made) * frames != len(x):
            wanted = f"1, {len(x) // frames} or {len(x)}"
            raise InputError(f"timestep must have {wanted} values, got {len(made)}")
        return made.repeat_interleave(frames, 0)

    def place_text(self, text: Tensor, x: Tensor, memo: Memo) -> Tensor:
        """The text (r, s, c) as x wants it. Raises InputError where it does not fit."""
        check_shape("text", text, "r", "s", self.config.cross_attention_dim)
        if len(x) % len(text):
            raise InputError(f"text must have 1 row, or one a chunk or frame, got {len(text)}")
        return memo.of(self, text, lambda: text.to(x))

    def trunk(self, x: Tensor, run: Pass, residuals: Residuals | None = None) -> Tensor:
        """From after conv_in to before conv_norm_out, (b, c, h, w) -> (b, c, h, w)."""
        skips = Skips(run.hooks, residuals)
        x = skips.push(x)
        for block in self.down_blocks:
            x = block(x, run, skips)
        x = self.mid_block(x, run)
        if residuals is not None and residuals.mid is not None:
            x = add_residual(x, residuals.mid)
        for block in self.up_blocks:
            x = block(x, run, skips)
        return x
