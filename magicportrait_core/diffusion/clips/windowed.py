"""The denoiser over a clip of any length: window by window, guided, overlaps averaged."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

import torch
from torch import Tensor

from ...errors import InputError
from ...types import ChunkCondition, MotionGuidance, ReferenceCondition
from ..context_windows import WindowSettings, context_windows, window_weights
from ..layers.memo import Memo
from ..unet import DenoisingUNet
from .journal import StepJournal


@dataclass(frozen=True)
class ClipDenoiser:
    """Predicts v of all frames of a clip at one time."""

    unet: DenoisingUNet
    text: Tensor  #: (1, s, c)
    reference: ReferenceCondition
    guidance: MotionGuidance
    windows: WindowSettings
    scale: float  #: of classifier-free guidance; at 1 or less only the conditional half runs
    sum_overlaps: bool = False  #: at scale <= 1 overlaps are summed, not averaged: the reference's
    at_once: int = 1  #: windows in one forward
    memo: Memo = field(default_factory=Memo)

    def predict(
        self,
        latents: Tensor,
        timestep: int,
        report: Callable[[int, int], None] | None = None,
        journal: StepJournal | None = None,
    ) -> Tensor:
        """v of all frames, (t, 4, h, w) float32 where the latents are.

        report: called with windows done and their number. journal: of this step; what it has is
        not computed again. Raises InputError where a prediction is not finite, and where guidance
        and latents differ in length.
        """
        if len(latents) != len(self.guidance):
            raise InputError(
                f"{len(latents)} latents and {len(self.guidance)} frames of maps: give as many of "
                "one as of the other."
            )
        journal = journal or StepJournal()
        windows = context_windows(len(latents), self.windows)
        total = torch.zeros_like(latents, dtype=torch.float32)
        weight = torch.zeros(len(latents), 1, 1, 1, device=latents.device)
        for start in range(0, len(windows), self.at_once):
            batch = windows[start : start + self.at_once]
            numbers = range(start, start + len(batch))
            predictions = [journal.find(number) for number in numbers]
            if any(v is None for v in predictions):
                predictions = self._checked(latents, timestep, batch, numbers, len(windows))
                for number, v in zip(numbers, predictions, strict=True):
                    journal.keep(number, v)
            for window, v in zip(batch, predictions, strict=True):
                each = window_weights(len(window), self.windows.weights).to(latents.device)
                each = each[:, None, None, None]
                total[list(window)] += each * v
                weight[list(window)] += each
            if report is not None:
                report(start + len(batch), len(windows))
        return total if self.sum_overlaps and self.scale <= 1 else total.div_(weight)

    def _checked(
        self,
        latents: Tensor,
        timestep: int,
        windows: Sequence[Sequence[int]],
        numbers: Sequence[int],
        count: int,
    ) -> list[Tensor]:
        """v (n, 4, h, w) float32 of each of these windows, where the latents are."""
        made = []
        predictions = self._guided(latents, timestep, windows)
        for number, window, v in zip(numbers, windows, predictions, strict=True):
            if not v.isfinite().all():
                raise InputError(
                    f"the prediction of window {number + 1} of {count} is not finite: "
                    f"{self._remedy(latents, window)}."
                )
            made.append(v.to(latents.device, torch.float32))
        return made

    def _remedy(self, latents: Tensor, window: Sequence[int]) -> str:
        """What to do about a prediction that is not finite: one of its inputs may be at fault."""
        inputs = {
            "the latents that it began with": [latents[list(window)]],
            "the features of its maps": [self.guidance.frames(window)],
            "the numbers of the text": [self.text],
            "the portrait's features": self.reference.states.values(),
        }
        for name, tensors in inputs.items():
            if not all(values.isfinite().all() for values in tensors):
                return f"nor are {name}, make them again"
        return "use float32"

    def _guided(
        self, latents: Tensor, timestep: int, windows: Sequence[Sequence[int]]
    ) -> Sequence[Tensor]:
        """v (n, 4, h, w) of each window, both halves of guidance put together.

        https://arxiv.org/abs/2207.12598, equation 6.
        """
        weight = self.unet.conv_in.weight
        place = {"device": weight.device, "dtype": weight.dtype}
        features = [self.guidance.frames(window).to(**place) for window in windows]
        chunks = [ChunkCondition(f, self.reference) for f in features]
        x = torch.cat([latents[list(window)] for window in windows]).to(**place)
        if self.scale <= 1:
            return self._forward(x, timestep, chunks).chunk(len(windows))
        chunks = [ChunkCondition(f, None) for f in features] + chunks
        v = self._forward(torch.cat([x, x]), timestep, chunks).float()
        unconditional, conditional = v.chunk(2)
        guided = unconditional + self.scale * (conditional - unconditional)
        return guided.chunk(len(windows))

    def _forward(self, x: Tensor, timestep: int, chunks: Sequence[ChunkCondition]) -> Tensor:
        return self.unet(x, timestep, self.text, chunks, memo=self.memo)
