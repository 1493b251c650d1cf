"""The solvers by name: the paper's DDIM, which is here, and those of `diffusers_solvers`."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import torch
from torch import Tensor

from ...checks import check_choice
from ..schedule import NoiseSchedule, ddim_step, previous_time, trailing_timesteps
from .diffusers_solvers import make_diffusers_solver
from .solver import Solver, whole_steps

SOLVERS = ("ddim", "dpm++2m", "euler", "lcm")
_FRAMES = 64  #: that DDIM takes at once


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


def make_solver(
    name: str, schedule: NoiseSchedule, steps: int, denoise: float = 1.0, seed: int = 0
) -> Solver:
    """One of SOLVERS for the last ``steps`` of the steps / denoise from noise.

    seed: of the noise that lcm adds. Raises InputError where diffusers is needed and absent.
    """
    check_choice("solver", name, SOLVERS)
    if name != "ddim":
        return make_diffusers_solver(name, schedule, steps, denoise, seed)
    whole = whole_steps(steps, denoise)
    return DDIM(schedule, whole, trailing_timesteps(whole)[-steps:])
