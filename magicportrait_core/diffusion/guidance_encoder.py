"""A guidance encoder: a map of the face to features that the denoiser adds after conv_in.

MagicPortrait, https://arxiv.org/abs/2504.21497, section 3: one each for depth, normals and the
shaded render; their outputs are summed.
"""

from __future__ import annotations

from collections.abc import Mapping
from itertools import pairwise
from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from ..checks import check_shape
from ..errors import InputError
from .backbone.transformer import SpatialTransformer
from .inputs import check_size
from .layers.attention import Attend, attend
from .layers.build import Build
from .layers.configs import GuidanceConfig
from .layers.forward_pass import Pass

#: the maps, in the order in which their features are summed
KINDS = ("depth", "normal", "render")


class GuidanceEncoder(nn.Module):
    """Convolutions down to an eighth of the size, one transformer, one convolution.

    Of the checkpoint's attentions only the last is used and built.
    """

    def __init__(
        self,
        config: GuidanceConfig = GuidanceConfig(),  # noqa: B008, frozen
        operations: Any = nn,
        dtype: torch.dtype | None = None,
        device: torch.device | str | None = None,
        attention: Attend = attend,
    ) -> None:
        super().__init__()
        build = Build(operations, dtype, device, config.norm_groups, config.heads)
        wide = config.block_out_channels
        self.config = config
        self.attention = attention
        self.conv_in = build.conv(config.in_channels, wide[0])
        self.blocks = nn.ModuleList()
        for c_in, c_out in pairwise(wide):
            self.blocks.append(build.conv(c_in, c_in))
            self.blocks.append(build.conv(c_in, c_out, stride=2))
        last = SpatialTransformer(build, wide[-1], text_channels=None)
        self.attentions = nn.ModuleDict({str(len(self.blocks) - 1): last})
        self.conv_out = build.conv(wide[-1], config.embedding_channels)

    def forward(self, maps: Tensor) -> Tensor:
        """(n, 3, h, w) in 0..1 -> (n, 320, h/8, w/8). Frames do not see one another."""
        check_shape("maps", maps, "n", self.config.in_channels, "h", "w")
        check_size(maps.shape[3], maps.shape[2], 2 ** (len(self.config.block_out_channels) - 1))
        x = F.silu(self.conv_in(maps))
        for conv in self.blocks:
            x = F.silu(conv(x))
        for transformer in self.attentions.values():
            x = transformer(x, Pass(self.attention))
        return self.conv_out(x)


def encode_guidance(
    encoders: Mapping[str, GuidanceEncoder], maps: Mapping[str, Tensor], batch: int = 8
) -> Tensor:
    """The sum of the encoders' features, (n, 320, h/8, w/8).

    maps: kind -> (n, 3, h, w) in 0..1, all of one size; ``batch`` frames are encoded at a time.
    Raises InputError where the kinds or the sizes differ.
    """
    if set(maps) != set(encoders) or not maps:
        raise InputError(f"maps must be {', '.join(encoders)}, got {', '.join(maps) or 'none'}")
    kinds = sorted(maps, key=lambda kind: KINDS.index(kind) if kind in KINDS else len(KINDS))
    sizes = {kind: tuple(maps[kind].shape) for kind in kinds}
    if len(set(sizes.values())) > 1:
        got = ", ".join(f"{kind} {size}" for kind, size in sizes.items())
        raise InputError(f"maps must be of one size and length, got {got}: draw them together.")
    parts = []
    for start in range(0, len(maps[kinds[0]]), batch):
        features = [encoders[kind](maps[kind][start : start + batch]) for kind in kinds]
        parts.append(torch.stack(features).sum(0))
    return torch.cat(parts)
