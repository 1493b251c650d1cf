"""What every solver is: from one time to the next by what was predicted there."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence

from torch import Tensor


class Solver(ABC):
    """One run of a solver; it may keep a history, so a run needs a new one."""

    times: Sequence[int]  #: at which it wants predictions, falling

    @abstractmethod
    def step(self, number: int, x: Tensor, v: Tensor) -> Tensor:
        """x (t, 4, h, w) after the step from ``times[number]``, where the prediction was v."""

    def history(self) -> dict[str, Tensor]:
        """What later steps need of the earlier ones; empty where they need nothing."""
        return {}

    def resume(self, number: int, history: Mapping[str, Tensor]) -> None:  # noqa: B027
        """Go on with step ``number`` as if the steps before it had been taken here.

        history: what the solver that took them had to say.
        """


def whole_steps(steps: int, denoise: float) -> int:
    """How many steps the whole way from noise has whose last part is ``steps`` long."""
    return max(steps, round(steps / denoise))
