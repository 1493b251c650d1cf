"""The reference UNet: reads the portrait once, for what its self-attentions see.

MagicPortrait, https://arxiv.org/abs/2504.21497, section 3; Animate Anyone's ReferenceNet,
https://arxiv.org/abs/2311.17117.
"""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor, nn

from ..checks import check_shape
from ..types import ReferenceCondition
from .backbone.blocks import Plan
from .backbone.transformer import RecordingTransformer
from .backbone.unet_body import UNetBody
from .layers.attention import Attend, attend
from .layers.build import Build
from .layers.configs import UNetConfig
from .layers.forward_pass import Pass
from .layers.memo import Memo


class ReferenceUNet(UNetBody):
    """Stable Diffusion 1.5's UNet without the layers that no bank depends on.

    Not built: conv_norm_out, conv_out, and all of the last transformer after its norm1.
    """

    def __init__(
        self,
        config: UNetConfig = UNetConfig(),  # noqa: B008, frozen
        operations: Any = nn,
        dtype: torch.dtype | None = None,
        device: torch.device | str | None = None,
        attention: Attend = attend,
    ) -> None:
        build = Build(operations, dtype, device, config.norm_groups, config.heads)
        super().__init__(Plan(config, build, motion=False))
        last = self.up_blocks[-1].attentions
        site = last[-1].transformer_blocks[0].site
        last[-1] = RecordingTransformer(build, config.block_out_channels[0], site)
        self.attention = attention

    def forward(self, latents: Tensor, text: Tensor) -> ReferenceCondition:
        """The bank of one portrait, at t = 0.

        latents: (1, 4, h, w), the mean of the VAE's encoding, scaled. text: (1, s, c).
        """
        check_shape("latents", latents, 1, self.config.in_channels, "h", "w")
        check_shape("text", text, 1, "s", self.config.cross_attention_dim)
        memo = Memo()
        run = Pass(
            attend=self.attention,
            text=text.to(latents),
            time=self.embed_time(0, latents, 1, memo),
            memo=memo,
            record={},
        )
        self.trunk(self.conv_in(latents), run)
        return ReferenceCondition(run.record)
