"""DPM++ 2M, Euler and LCM: diffusers' schedulers on the paper's noise schedule.

At time 999 there is no signal, so no scheduler's formula holds: that step is made here, always
with the clean sample -v, and a scheduler's history begins after it.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import torch
from torch import Tensor

from ...errors import InputError
from ..schedule import BETA_END, BETA_START, TRAIN_STEPS, NoiseSchedule, trailing_timesteps
from .solver import Solver, whole_steps

_CONFIG = {
    "num_train_timesteps": TRAIN_STEPS,
    "beta_start": BETA_START,
    "beta_end": BETA_END,
    "beta_schedule": "linear",
    "prediction_type": "v_prediction",
    "timestep_spacing": "trailing",
    "rescale_betas_zero_snr": True,
}


class Scheduled(Solver):
    """A scheduler that works on latents of unit variance: DPM++ 2M, https://arxiv.org/abs/2211.01095."""

    def __init__(self, scheduler: Any, schedule: NoiseSchedule, steps: int, denoise: float) -> None:
        whole = whole_steps(steps, denoise)
        times = trailing_timesteps(whole)
        scheduler.set_timesteps(timesteps=times)
        self._first = whole - steps  # the scheduler's number of our first time
        self._scheduler, self._schedule = scheduler, schedule
        self.times = times[-steps:]
        self._last: dict[str, Tensor] = {}
        self._begin(0)

    def step(self, number: int, x: Tensor, v: Tensor) -> Tensor:
        if not self._by_hand(number):
            self._last = self._remembered(x, v)
            return self._step(self._first + number, x, v)
        later = self.times[number + 1] if number + 1 < len(self.times) else -1
        signal = self._schedule.signal(later)
        return (1 - signal) ** 0.5 * x - signal**0.5 * v

    def history(self) -> dict[str, Tensor]:
        return dict(self._last)

    def resume(self, number: int, history: Mapping[str, Tensor]) -> None:
        """The last step is taken again, for the scheduler to know it."""
        if not history:
            self._begin(number)
            return
        self._begin(number - 1)
        self.step(number - 1, history["x"], history["v"])

    def _begin(self, number: int) -> None:
        self._scheduler.set_begin_index(self._first + number + int(self._by_hand(number)))

    def _by_hand(self, number: int) -> bool:
        return self.times[number] == TRAIN_STEPS - 1

    def _remembered(self, x: Tensor, v: Tensor) -> dict[str, Tensor]:
        return {"x": x, "v": v}

    def _step(self, number: int, x: Tensor, v: Tensor) -> Tensor:
        time = self._scheduler.timesteps[number]
        return self._scheduler.step(v, time, x, return_dict=False)[0]


class Euler(Scheduled):
    """Karras et al.'s, whose samples grow with the noise: https://arxiv.org/abs/2206.00364."""

    def _step(self, number: int, x: Tensor, v: Tensor) -> Tensor:
        now, later = (self._scheduler.sigmas[i] for i in (number, number + 1))
        grown = x * (1 + now**2) ** 0.5
        self._scheduler.scale_model_input(grown, self._scheduler.timesteps[number])
        return super()._step(number, grown, v) / (1 + later**2) ** 0.5

    def _remembered(self, x: Tensor, v: Tensor) -> dict[str, Tensor]:
        return {}  # it takes one step at a time


class LCM(Solver):
    """Few steps for a network distilled to them: https://arxiv.org/abs/2310.04378.

    Its own times, and new noise at every step but the last.
    """

    def __init__(self, scheduler: Any, steps: int, denoise: float, seed: int) -> None:
        most = int(scheduler.config.original_inference_steps * denoise)
        if steps > most:
            raise InputError(f"lcm takes at most {most} steps at denoise {denoise:g}, got {steps}")
        scheduler.set_timesteps(steps, strength=denoise)
        self._scheduler = scheduler
        self._noise = torch.Generator("cpu").manual_seed(seed)
        self.times = scheduler.timesteps.tolist()

    def step(self, number: int, x: Tensor, v: Tensor) -> Tensor:
        time = self._scheduler.timesteps[number]
        return self._scheduler.step(v, time, x, generator=self._noise, return_dict=False)[0]

    def history(self) -> dict[str, Tensor]:
        return {"noise": self._noise.get_state()}

    def resume(self, number: int, history: Mapping[str, Tensor]) -> None:
        self._scheduler.set_begin_index(number)
        self._noise.set_state(history["noise"])


def make_diffusers_solver(
    name: str, schedule: NoiseSchedule, steps: int, denoise: float, seed: int
) -> Solver:
    """dpm++2m, euler or lcm. Raises InputError where diffusers is not installed."""
    try:
        import diffusers
    except ImportError as error:
        raise InputError(
            f"the solver {name} needs diffusers: `pip install diffusers`, or use ddim."
        ) from error
    if name == "dpm++2m":
        return Scheduled(diffusers.DPMSolverMultistepScheduler(**_CONFIG), schedule, steps, denoise)
    if name == "euler":
        return Euler(diffusers.EulerDiscreteScheduler(**_CONFIG), schedule, steps, denoise)
    config = _CONFIG | {"clip_sample": False, "set_alpha_to_one": True}
    return LCM(diffusers.LCMScheduler(**config), steps, denoise, seed)
