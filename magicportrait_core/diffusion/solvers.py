"""From one time to the next: what a solver does with a prediction."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Sequence
from dataclasses import dataclass

from torch import Tensor

from .schedule import NoiseSchedule, ddim_step, previous_time, trailing_timesteps


class Solver(ABC):
    """One run of a solver; it may keep a history, so a run needs a new one."""

    times: Sequence[int]  #: at which it wants predictions, falling

    @abstractmethod
    def step(self, number: int, x: Tensor, v: Tensor) -> Tensor:
        """x (t, 4, h, w) after the step from ``times[number]``, where the prediction was v."""


@dataclass(frozen=True)
class DDIM(Solver):
    """The paper's, deterministic: eta is 0."""

    schedule: NoiseSchedule
    steps: int  #: of the whole way from noise
    times: Sequence[int]

    def step(self, number: int, x: Tensor, v: Tensor) -> Tensor:
        t = self.times[number]
        return ddim_step(self.schedule, x, v, t, previous_time(t, self.steps))


def times_of(steps: int, denoise: float) -> tuple[int, list[int]]:
    """How many steps the whole way from noise has, and the times of its last ``steps``."""
    whole = max(steps, round(steps / denoise))
    return whole, trailing_timesteps(whole)[-steps:]


SOLVERS = ("ddim",)


def make_solver(name: str, schedule: NoiseSchedule, steps: int, denoise: float) -> Solver:
    """One of SOLVERS for the last ``steps`` of steps / denoise."""
    whole, times = times_of(steps, denoise)
    return DDIM(schedule, whole, times)
