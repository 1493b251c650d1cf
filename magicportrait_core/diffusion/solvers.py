"""From one time to the next: what a solver does with a prediction.

The paper's DDIM is here; diffusers' schedulers are in `diffusers_solvers`.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import torch
from torch import Tensor

from ..checks import check_choice
from .schedule import NoiseSchedule, ddim_step, previous_time, trailing_timesteps

SOLVERS = ("ddim", "dpm++2m", "euler", "lcm")
_FRAMES = 64  #: that DDIM takes at once


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


@dataclass(frozen=True)
class DDIM(Solver):
    """The paper's, deterministic: eta is 0. It keeps no history."""

    schedule: NoiseSchedule
    whole: int  #: steps of the whole way from noise
    times: Sequence[int]

    def step(self, number: int, x: Tensor, v: Tensor) -> Tensor:
        """A few frames at a time, so that what it holds on the way does not grow with the clip."""
        t, after = self.times[number], torch.empty_like(x)
        previous = previous_time(t, self.whole)
        for to, *parts in zip(
            after.split(_FRAMES), x.split(_FRAMES), v.split(_FRAMES), strict=True
        ):
            to.copy_(ddim_step(self.schedule, *parts, t, previous))
        return after


def whole_steps(steps: int, denoise: float) -> int:
    """How many steps the whole way from noise has whose last part is ``steps`` long."""
    return max(steps, round(steps / denoise))


def make_solver(
    name: str, schedule: NoiseSchedule, steps: int, denoise: float = 1.0, seed: int = 0
) -> Solver:
    """One of SOLVERS for the last ``steps`` of the steps / denoise from noise.

    seed: of the noise that lcm adds. Raises InputError where diffusers is needed and absent.
    """
    check_choice("solver", name, SOLVERS)
    if name != "ddim":
        from .diffusers_solvers import make_diffusers_solver

        return make_diffusers_solver(name, schedule, steps, denoise, seed)
    whole = whole_steps(steps, denoise)
    return DDIM(schedule, whole, trailing_timesteps(whole)[-steps:])
