"""The denoising UNet: Stable Diffusion 1.5 with motion modules, maps added, the portrait seen.

MagicPortrait, https://arxiv.org/abs/2504.21497, section 3.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from ..checks import check_shape
from ..errors import InputError
from ..types import ChunkCondition
from .backbone.blocks import Plan
from .backbone.skips import Residuals
from .backbone.unet_body import UNetBody
from .layers.attention import Attend, attend
from .layers.build import Build
from .layers.configs import UNetConfig
from .layers.forward_pass import Pass, group_chunks
from .layers.hooks import Hooks
from .layers.memo import Memo
from .motion_module import check_window


class DenoisingUNet(UNetBody):
    """Predicts v of the frames of one or more chunks."""

    def __init__(
        self,
        config: UNetConfig = UNetConfig(),  # noqa: B008, frozen
        operations: Any = nn,
        dtype: torch.dtype | None = None,
        device: torch.device | str | None = None,
        attention: Attend = attend,
    ) -> None:
        """operations: where layers come from, see `build`; attention: see `attention`."""
        build = Build(operations, dtype, device, config.norm_groups, config.heads)
        super().__init__(Plan(config, build, motion=True))
        wide = config.block_out_channels
        self.conv_norm_out = build.group_norm(wide[0], eps=1e-5)
        self.conv_out = build.conv(wide[0], config.out_channels)
        self.attention = attention

    def forward(
        self,
        x: Tensor,
        timestep: Tensor | float,
        text: Tensor,
        chunks: Sequence[ChunkCondition],
        residuals: Residuals | None = None,
        hooks: Hooks | None = None,
        memo: Memo | None = None,
        attention: Attend | None = None,
    ) -> Tensor:
        """One prediction.

        Args:
            x: (b, 4, h, w) noisy latents, the n = b / len(chunks) frames of each chunk in a row.
            timestep: 0..999; a number, or a tensor of 1, len(chunks) or b values.
            text: (r, s, c) last hidden states; r is 1, len(chunks) or b. Fewer rows, less work.
            chunks: what each chunk is told. Chunks without a reference are unconditional.
            residuals: of a ControlNet.
            hooks: changes from outside.
            memo: a run's, so that the bank, the text and the time are projected once.
            attention: instead of the one given at construction.

        Returns:
            (b, 4, h, w) v, in the dtype of x.

        Raises InputError for sizes that do not fit one another.
        """
        frames = self._frames(x, chunks)
        memo = memo or Memo()
        run = Pass(
            attend=attention or self.attention,
            frames=frames,
            text=self.place_text(text, x, memo),
            time=self.embed_time(timestep, x, frames, memo),
            groups=group_chunks(chunks, frames),
            memo=memo,
            hooks=hooks,
        )
        y = self.trunk(add_guidance(self.conv_in(x), chunks, frames), run, residuals)
        return self.conv_out(F.silu(self.conv_norm_out(y)))

    def _frames(self, x: Tensor, chunks: Sequence[ChunkCondition]) -> int:
        check_shape("x", x, "b", self.config.in_channels, "h", "w")
        if not chunks or len(x) % len(chunks):
            raise InputError(f"{len(x)} frames cannot be shared by {len(chunks)} chunks")
        frames = len(x) // len(chunks)
        check_window(frames, self.config.max_frames)
        return frames


def add_guidance(x: Tensor, chunks: Sequence[ChunkCondition], frames: int) -> Tensor:
    """x (b, c, h, w) after conv_in, plus each chunk's features (n, c, h, w)."""
    for chunk in chunks:
        if chunk.guidance is not None:
            _check_features(chunk.guidance, (frames, *x.shape[1:]))
    if all(chunk.guidance is chunks[0].guidance for chunk in chunks):
        if chunks[0].guidance is None:
            return x
        return (x.unflatten(0, (-1, frames)) + chunks[0].guidance.to(x)).flatten(0, 1)
    parts = x.split(frames)
    told = [
        part if chunk.guidance is None else part + chunk.guidance.to(x)
        for part, chunk in zip(parts, chunks, strict=True)
    ]
    return torch.cat(told)


def _check_features(features: Tensor, shape: tuple[int, ...]) -> None:
    got = tuple(features.shape)
    if got == shape:
        return
    if len(got) == 4 and got[1] == shape[1] and got[2:] != shape[2:]:
        raise InputError(
            f"the maps were drawn for latents of {got[3]}x{got[2]}, these are "
            f"{shape[3]}x{shape[2]}: draw them at {8 * shape[3]}x{8 * shape[2]} px."
        )
    raise InputError(f"guidance must be {shape}, got {got}")
