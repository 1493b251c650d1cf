"""What the denoising UNet is told: how the portrait looks, how the head moves.

Letters in shapes: n some frames, c channels, h and w of the latent, s tokens of a block.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import torch
from torch import Tensor

from ..checks import check_shape


@dataclass(frozen=True)
class ReferenceCondition:
    """The bank: what each self-attention of the reference UNet saw of the portrait.

    Computed once a run. The denoiser projects it to keys and values itself, so that weights
    changed later (LoRA) act on it too.
    """

    states: Mapping[str, Tensor]  #: block name -> (1, s, c), output of the block's LayerNorm 1

    def __post_init__(self) -> None:
        for name, state in self.states.items():
            check_shape(f"the bank of {name}", state, 1, "s", "c")

    def to(
        self, device: torch.device | str | None = None, dtype: torch.dtype | None = None
    ) -> ReferenceCondition:
        """The same bank elsewhere, or rounded to another dtype."""
        return ReferenceCondition(
            {name: state.to(device=device, dtype=dtype) for name, state in self.states.items()}
        )


class MotionGuidance(ABC):
    """What the guidance encoders say of each frame, made for the frames asked for."""

    @abstractmethod
    def __len__(self) -> int:
        """Frames."""

    @abstractmethod
    def frames(self, indices: Sequence[int]) -> Tensor:
        """(n, c, h, w) features of these frames, to be added after the denoiser's conv_in."""


@dataclass(frozen=True)
class HeldGuidance(MotionGuidance):
    """The features of a short clip, all in memory."""

    features: Tensor  #: (t, c, h, w)

    def __post_init__(self) -> None:
        check_shape("features", self.features, "t", "c", "h", "w")

    def __len__(self) -> int:
        return self.features.shape[0]

    def frames(self, indices: Sequence[int]) -> Tensor:
        return self.features[list(indices)]


@dataclass(frozen=True)
class ChunkCondition:
    """What one chunk of a batch is told; a chunk is the n frames of one window, one CFG half."""

    guidance: Tensor | None  #: (n, c, h, w)
    reference: ReferenceCondition | None  #: None: the unconditional half
