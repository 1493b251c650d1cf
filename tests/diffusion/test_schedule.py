"""Times and noise; the goldens hold the numbers of the reference."""

import pytest
import torch

from magicportrait_core.diffusion.schedule import (
    clean_and_noise,
    ddim_step,
    previous_time,
    trailing_timesteps,
    zero_snr_schedule,
)
from magicportrait_core.errors import InputError


@pytest.fixture(scope="module")
def schedule():
    return zero_snr_schedule()


def test_no_signal_at_the_end(schedule):
    assert schedule.alphas_cumprod[999] == 0
    assert (schedule.alphas_cumprod.diff() < 0).all()
    assert schedule.signal(-1) == 1


@pytest.mark.parametrize("steps", range(1, 1001, 37))
def test_trailing_times(steps):
    times = trailing_timesteps(steps)
    assert len(times) == len(set(times)) == steps
    assert times[0] == 999
    assert times == sorted(times, reverse=True)
    assert times[-1] >= 0


def test_times_by_hand():
    assert trailing_timesteps(4) == [999, 749, 499, 249]
    assert trailing_timesteps(1) == [999]
    assert trailing_timesteps(1000) == list(range(999, -1, -1))


def test_previous_time_is_the_references():
    """Of 30 steps the second visited is 966, but the first step leads to 999 - 33."""
    assert trailing_timesteps(30)[:3] == [999, 966, 932]
    assert [previous_time(t, 30) for t in (999, 966)] == [966, 933]
    assert previous_time(249, 4) == -1


@pytest.mark.parametrize("steps", [0, 1001])
def test_steps_have_bounds(steps):
    with pytest.raises(InputError, match="steps must be between 1 and 1000"):
        trailing_timesteps(steps)


@pytest.mark.parametrize("t", [0, 499, 999])
def test_v_is_taken_apart(schedule, draw, t):
    clean, noise = draw(2, 4, 3, 3), draw(2, 4, 3, 3)
    a, s = schedule.signal(t).sqrt(), (1 - schedule.signal(t)).sqrt()
    back = clean_and_noise(schedule, a * clean + s * noise, a * noise - s * clean, t)
    torch.testing.assert_close(back, (clean, noise), rtol=1e-5, atol=1e-5)


def test_the_first_step_takes_minus_v(schedule, draw):
    """At 999 there is no signal: all that counts of x is that it is the noise."""
    x, v = draw(1, 4, 3, 3), draw(1, 4, 3, 3)
    torch.testing.assert_close(ddim_step(schedule, x, v, 999, -1), -v)


def test_a_true_prediction_is_followed_exactly(schedule, draw):
    """With the true clean sample and noise every step stays on the straight way between them."""
    clean, noise = draw(2, 4, 3, 3), draw(2, 4, 3, 3)
    x = noise
    for t in trailing_timesteps(20):
        a, s = schedule.signal(t).sqrt(), (1 - schedule.signal(t)).sqrt()
        torch.testing.assert_close(x, a * clean + s * noise, rtol=1e-4, atol=1e-4)
        x = ddim_step(schedule, x, a * noise - s * clean, t, previous_time(t, 20))
    torch.testing.assert_close(x, clean, rtol=1e-4, atol=1e-4)
