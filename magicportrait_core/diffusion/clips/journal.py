"""What a stopped run goes on from. The sampler asks and tells, whoever runs it keeps."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from torch import Tensor


@dataclass(frozen=True)
class SamplerState:
    """Where sampling stands between two steps."""

    steps: int  #: finished
    latents: Tensor  #: (t, 4, h, w) after them
    history: Mapping[str, Tensor] = field(default_factory=dict)  #: `solver.Solver.history`


class StepJournal:
    """The predictions of one step's windows. This one keeps nothing."""

    def find(self, number: int) -> Tensor | None:
        """The prediction of a window (from 0), (n, 4, h, w) float32, where it is kept."""
        return None

    def keep(self, number: int, prediction: Tensor) -> None:
        """Keep it before the next window begins."""


class Journal:
    """What one run has done already. This one keeps nothing: every run begins anew."""

    def state(self) -> SamplerState | None:
        """After the last finished step; None: none is finished."""
        return None

    def step(self, number: int) -> StepJournal:
        """The windows of a step, from 0."""
        return StepJournal()

    def finish(self, state: SamplerState) -> None:
        """A step is finished: its windows are not asked for again."""
