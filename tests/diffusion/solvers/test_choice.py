"""Solvers on data of a normal distribution, where the perfect prediction is known.

For clean samples N(m, s^2), x at signal a^2 and noise b^2 = 1 - a^2 has the best guess
x0 = m + a s^2 / (a^2 s^2 + b^2) (x - a m). That is linear in x, so every sample that a solver makes
is a multiple of its noise plus a constant, and the multiple is the standard deviation.
"""

from __future__ import annotations

import math
import sys

import pytest
import torch

from magicportrait_core.diffusion.schedule import trailing_timesteps, zero_snr_schedule
from magicportrait_core.diffusion.solvers.choice import SOLVERS, make_solver
from magicportrait_core.errors import InputError

MEAN = 1.5


@pytest.fixture(scope="module")
def schedule():
    return zero_snr_schedule()


def need(solver: str) -> None:
    if solver != "ddim":
        pytest.importorskip("diffusers", reason="diffusers is not installed")


def levels(schedule, t: int) -> tuple[float, float]:
    """a and b at time t."""
    signal = float(schedule.signal(t))
    return math.sqrt(signal), math.sqrt(1 - signal)


def gain(a: float, b: float, s: float) -> float:
    """How far the best guess follows x."""
    return a * s**2 / (a**2 * s**2 + b**2)


def solved(solver: str, steps: int, s: float, schedule) -> tuple[float, float]:
    """Mean and standard deviation of samples whose noise has exactly 0 and 1."""
    x = torch.randn(1, 4, 30, 30, dtype=torch.float64, generator=torch.Generator().manual_seed(0))
    x = (x - x.mean()) / x.std(correction=0)
    made = make_solver(solver, schedule, steps)
    for number, t in enumerate(made.times):
        a, b = levels(schedule, t)
        clean = MEAN + gain(a, b, s) * (x - a * MEAN)
        x = made.step(number, x, (a * x - clean) / b)
    return x.mean().item(), x.std(correction=0).item()


def ddim_deviation(steps: int, s: float, schedule) -> float:
    """What DDIM, and Euler, which is the same, make of noise of deviation 1."""
    deviation, times = 1.0, trailing_timesteps(steps)
    for t, later in zip(times, [*times[1:], -1], strict=True):
        (a, b), (a2, b2) = levels(schedule, t), levels(schedule, later)
        g = gain(a, b, s)
        deviation *= a2 * g + b2 * (1 - a * g) / b
    return deviation


def dpm_deviation(steps: int, s: float, schedule) -> float:
    """DPM++ 2M, https://arxiv.org/abs/2211.01095, algorithm 2; first order at the first and last.

    The step from 999, where the clean sample is the mean, leaves a deviation of b.
    """
    times = trailing_timesteps(steps)
    deviation, before, before_half = levels(schedule, times[1])[1], None, None
    for i, t in enumerate(times[1:], 1):
        a, b = levels(schedule, t)
        guess = gain(a, b, s) * deviation
        if i == steps - 1:
            return guess
        a2, b2 = levels(schedule, times[i + 1])
        h = math.log(a2 / b2) - math.log(a / b)
        mixed = guess if before is None else guess + (guess - before) * h / (2 * before_half)
        deviation = b2 / b * deviation - a2 * math.expm1(-h) * mixed
        before, before_half = guess, h
    raise AssertionError


DEVIATIONS = {"ddim": ddim_deviation, "euler": ddim_deviation, "dpm++2m": dpm_deviation}
#: diffusers' own times for 61 steps are one too many; the paper's DDIM goes by 1000 // 61
CASES = [*((name, steps) for name in DEVIATIONS for steps in (2, 10, 50)), ("euler", 61)]
CASES.append(("dpm++2m", 61))
#: largest error of the standard deviation at 50 steps
ERRORS = {"ddim": 0.04, "euler": 0.04, "dpm++2m": 0.01}


@pytest.mark.parametrize("s", [1.0, 2.0])
@pytest.mark.parametrize(("solver", "steps"), CASES)
def test_samples_have_the_recursions_deviation(solver, steps, s, schedule):
    need(solver)
    mean, deviation = solved(solver, steps, s, schedule)
    assert mean == pytest.approx(MEAN, rel=0.01)
    assert deviation == pytest.approx(DEVIATIONS[solver](steps, s, schedule), abs=1e-4)


@pytest.mark.parametrize("s", [1.0, 2.0])
@pytest.mark.parametrize("solver", DEVIATIONS)
def test_more_steps_come_closer(solver, s, schedule):
    need(solver)
    few, many = (abs(solved(solver, steps, s, schedule)[1] / s - 1) for steps in (50, 100))
    assert few < ERRORS[solver]
    assert few > 1.8 * many


@pytest.mark.parametrize("solver", SOLVERS)
def test_the_first_step_takes_minus_v(solver, schedule, draw):
    """The clean sample is -v; what is left of x is the noise, or lcm's new noise."""
    need(solver)
    made = make_solver(solver, schedule, 4)
    x, v = draw(2, 4, 8, 8), draw(2, 4, 8, 8)
    assert made.times[0] == 999
    out = made.step(0, x, v)
    a, b = levels(schedule, made.times[1])
    noise = (out + a * v) / b
    if solver == "lcm":
        assert noise.std().item() == pytest.approx(1, abs=0.15)
    else:
        torch.testing.assert_close(noise, x, rtol=1e-4, atol=1e-4)
    only = make_solver(solver, schedule, 1).step(0, x, v)
    torch.testing.assert_close(only, -v, rtol=1e-5, atol=1e-5)


@pytest.mark.parametrize("solver", SOLVERS)
def test_part_of_the_way(solver, schedule, draw):
    """4 steps at denoise 0.4 are the last of 10; a true prediction is followed to the clean end."""
    need(solver)
    made = make_solver(solver, schedule, 4, denoise=0.4)
    assert len(made.times) == 4
    assert made.times[0] <= 400
    clean, noise = draw(1, 4, 6, 6), draw(1, 4, 6, 6)
    a, b = levels(schedule, made.times[0])
    x = a * clean + b * noise
    for number, t in enumerate(made.times):
        a, b = levels(schedule, t)
        x = made.step(number, x, (a * x - clean) / b)
    torch.testing.assert_close(x, clean, rtol=1e-2, atol=1e-2)


def test_times_are_trailing(schedule):
    need("euler")
    for solver in ("ddim", "euler", "dpm++2m"):
        assert make_solver(solver, schedule, 20).times == trailing_timesteps(20)
        assert make_solver(solver, schedule, 5, denoise=0.5).times == trailing_timesteps(10)[5:]


@pytest.mark.parametrize("steps", [1, 4, 8])
def test_lcm_is_diffusers(steps, schedule, draw):
    diffusers = pytest.importorskip("diffusers", reason="diffusers is not installed")
    theirs = diffusers.LCMScheduler(
        beta_start=0.00085, beta_end=0.012, beta_schedule="linear", clip_sample=False,
        prediction_type="v_prediction", rescale_betas_zero_snr=True,
    )  # fmt: skip
    theirs.set_timesteps(steps)
    ours = make_solver("lcm", schedule, steps, seed=5)
    assert list(ours.times) == theirs.timesteps.tolist()
    generator = torch.Generator().manual_seed(5)
    a = b = draw(2, 4, 3, 3)
    for number, t in enumerate(theirs.timesteps):
        v = draw(2, 4, 3, 3)
        a = ours.step(number, a, v)
        b = theirs.step(v, t, b, generator=generator).prev_sample
        assert a.equal(b)


def test_lcm_has_few_steps(schedule):
    need("lcm")
    with pytest.raises(InputError, match=r"at most 25 steps at denoise 0\.5, got 26"):
        make_solver("lcm", schedule, 26, denoise=0.5)


def test_without_diffusers(schedule, monkeypatch):
    monkeypatch.setitem(sys.modules, "diffusers", None)
    assert make_solver("ddim", schedule, 4).times == [999, 749, 499, 249]
    with pytest.raises(InputError, match="pip install diffusers"):
        make_solver("euler", schedule, 4)
    with pytest.raises(InputError, match="solver must be one of ddim"):
        make_solver("heun", schedule, 4)
