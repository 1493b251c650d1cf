"""The paper's sampler for the host: DDIM on a schedule that ends in noise alone.

The host's own samplers count that noise as a signal of 1/4518, and lose 2e-4 by it.
"""

from __future__ import annotations

from dataclasses import dataclass

import comfy.samplers
import torch
from torch import Tensor

from ...magicportrait_core.diffusion.schedule import (
    TRAIN_STEPS,
    previous_time,
    trailing_timesteps,
)
from ...magicportrait_core.diffusion.solvers.solver import whole_steps

PAPER_SAMPLER = "magicportrait_ddim"
SAMPLERS = [PAPER_SAMPLER, *comfy.samplers.SAMPLER_NAMES]
SCHEDULERS = list(comfy.samplers.SCHEDULER_NAMES)
ZERO_SNR = 1000.0  #: a largest sigma above it stands for noise without any signal


@dataclass(frozen=True)
class Plan:
    """What a run is made of: a host's sampler, and the noise that each step begins at."""

    sampler: comfy.samplers.Sampler
    sigmas: Tensor  #: (n + 1,), the last is 0


def plan_run(model, sampler: str, scheduler: str, steps: int, denoise: float) -> Plan:
    """The last ``steps`` of steps / denoise from noise, for a MODEL."""
    sampling = model.get_model_object("model_sampling")
    if sampler == PAPER_SAMPLER and scheduler == "simple" and len(sampling.sigmas) == TRAIN_STEPS:
        return _paper_plan(sampling, steps, denoise)
    if sampler == PAPER_SAMPLER:
        whole = whole_steps(steps, denoise)
        sigmas = comfy.samplers.calculate_sigmas(sampling, scheduler, whole)[-(steps + 1) :]
        return Plan(comfy.samplers.KSAMPLER(sample_ddim), sigmas)
    host = comfy.samplers.KSampler(
        model, steps, model.load_device, sampler, scheduler, denoise, model.model_options
    )
    return Plan(comfy.samplers.sampler_object(sampler), host.sigmas)


def _paper_plan(sampling, steps: int, denoise: float) -> Plan:
    """The times that the core's DDIM visits, and where each of its steps leads."""
    whole = whole_steps(steps, denoise)
    times = trailing_timesteps(whole)[-steps:]
    noise = torch.cat([sampling.sigmas.cpu().float(), torch.zeros(1)])  # noise[-1]: clean
    leads = noise[[max(previous_time(t, whole), -1) for t in times]]
    sigmas = noise[[*times, -1]]
    return Plan(comfy.samplers.KSAMPLER(sample_ddim, {"leads": leads.tolist()}), sigmas)


@torch.no_grad()
def sample_ddim(
    model, x, sigmas, extra_args=None, callback=None, disable=None, leads=None
) -> Tensor:
    """A sampler function as k-diffusion's.

    model: gives the clean sample of x at a sigma. x: (t, 4, h, w), the clean sample plus sigma
    times noise. leads: sigma that each step leads to, where that is not where the next begins, as
    in the reference for numbers of steps that do not divide 1000.

    DDIM, https://arxiv.org/abs/2010.02502, equation 12, on v-predictions,
    https://arxiv.org/abs/2202.00512, section 4.
    """
    from tqdm.auto import trange  # the host's own samplers' bar

    leads = sigmas[1:].tolist() if leads is None else leads
    last = float(model.inner_model.inner_model.model_sampling.sigma_max)
    rows = x.new_ones(len(x))
    for i in trange(len(sigmas) - 1, disable=disable):
        sigma = sigmas[i]
        clean = model(x, sigma * rows, **(extra_args or {}))
        if callback is not None:
            callback({"x": x, "i": i, "sigma": sigma, "sigma_hat": sigma, "denoised": clean})
        power = 1 + sigma**2
        x = x / power.sqrt()  # signal and noise of power 1
        v = (x / power.sqrt() - clean) * power.sqrt() / sigma
        pure_noise = last > ZERO_SNR and float(sigma) >= last * (1 - 1e-5)
        signal = 0.0 if pure_noise else power.rsqrt()
        spread = (1 - signal**2) ** 0.5
        clean, noise = signal * x - spread * v, signal * v + spread * x
        lead = (1 + leads[i] ** 2) ** -0.5
        x = lead * clean + (1 - lead**2) ** 0.5 * noise
        x = x * (1 + sigmas[i + 1] ** 2).sqrt()
    return x
