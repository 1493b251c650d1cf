"""How much noise each of the 1000 times has, and the times that n steps visit.

Linear betas rescaled to zero terminal signal-to-noise ratio, trailing times, v-prediction:
https://arxiv.org/abs/2305.08891, sections 3.1 to 3.3.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor

from ..checks import check_range

TRAIN_STEPS = 1000
BETA_START, BETA_END = 0.00085, 0.012


@dataclass(frozen=True)
class NoiseSchedule:
    """float32, as the reference computes it."""

    betas: Tensor  #: (1000,)
    alphas_cumprod: Tensor  #: (1000,) share of the signal's power; 0 at 999

    def signal(self, t: int) -> Tensor:
        """alpha bar at time t; 1 before the first time."""
        return self.alphas_cumprod[t] if t >= 0 else torch.tensor(1.0)


def zero_snr_schedule() -> NoiseSchedule:
    """The schedule of the paper's sampler."""
    betas = torch.linspace(BETA_START, BETA_END, TRAIN_STEPS, dtype=torch.float32)
    root = torch.cumprod(1 - betas, 0).sqrt()
    root = (root - root[-1]) * (root[0] / (root[0] - root[-1]))
    bar = root**2
    alphas = torch.cat([bar[:1], bar[1:] / bar[:-1]])
    betas = 1 - alphas
    return NoiseSchedule(betas, torch.cumprod(1 - betas, 0))


def trailing_timesteps(steps: int) -> list[int]:
    """The times of n steps, falling from 999."""
    check_range("steps", steps, 1, TRAIN_STEPS)
    times = np.arange(TRAIN_STEPS, 0, -TRAIN_STEPS / steps)[:steps]
    return [int(t) for t in np.round(times).astype(np.int64) - 1]


def clean_and_noise(schedule: NoiseSchedule, x: Tensor, v: Tensor, t: int) -> tuple[Tensor, Tensor]:
    """The clean sample and the noise that a prediction v of x at time t stands for.

    https://arxiv.org/abs/2202.00512, section 4: x = a x0 + s e and v = a e - s x0, a^2 + s^2 = 1.
    """
    a, s = schedule.signal(t) ** 0.5, (1 - schedule.signal(t)) ** 0.5
    return a * x - s * v, a * v + s * x


def ddim_step(schedule: NoiseSchedule, x: Tensor, v: Tensor, t: int, previous: int) -> Tensor:
    """x at the time ``previous`` (below 0: clean) from x and its prediction at time t.

    DDIM, https://arxiv.org/abs/2010.02502, equation 12 with sigma = 0.
    """
    clean, noise = clean_and_noise(schedule, x, v, t)
    bar = schedule.signal(previous)
    return bar**0.5 * clean + (1 - bar) ** 0.5 * noise


def previous_time(t: int, steps: int) -> int:
    """Where the reference's step from t leads.

    That is not the next time visited where the number of steps does not divide 1000.
    """
    return t - TRAIN_STEPS // steps
