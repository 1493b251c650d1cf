import math

import pytest
import torch

from magicportrait_core.flame.motion.bilateral import (
    MOTION,
    REACH,
    Window,
    mean_step,
    noise,
    velocity,
)


def random(*shape: int, seed: int = 0) -> torch.Tensor:
    return torch.randn(*shape, generator=torch.Generator().manual_seed(seed))


def differences(values: torch.Tensor):
    return lambda early, late: values[late] - values[early]


def window(t: int, sigma: float = 2.0) -> Window:
    return Window(torch.ones(t, dtype=torch.bool), torch.zeros(t), sigma)


def plain_velocity(x: list[float], near: Window, i: int) -> float:
    along = squares = count = 0.0
    for j in range(len(x)):
        k = j - i
        known = near.valid[i] and near.valid[j] and near.shot[i] == near.shot[j]
        if k and abs(k) <= max(1, round(near.sigma)) and known:
            along, squares, count = (
                along + k * (x[j] - x[i]),
                squares + (x[j] - x[i]) ** 2,
                count + k * k,
            )
    slope = along / max(count, 1)
    return slope * min(1.0, slope**2 * count / max(squares, 1e-20))


def plain_mean_step(x: list[float], near: Window, scale: float) -> list[float]:
    """The slow twin for one number a frame, frame by frame."""
    speed = [plain_velocity(x, near, i) for i in range(len(x))]
    out = []
    for i in range(len(x)):
        total, weights = 0.0, 1.0
        for j in range(len(x)):
            k = j - i
            counts = near.valid[j] and near.shot[i] == near.shot[j]
            if k and abs(k) <= round(REACH * near.sigma) and counts:
                way = x[j] - x[i] - k * (speed[i] + speed[j]) / 2
                weight = math.exp(-0.5 * ((k / near.sigma) ** 2 + (way / scale) ** 2))
                total, weights = total + weight * way, weights + weight
        out.append(total / weights)
    return out


@pytest.mark.parametrize("floor", [0.5, 50.0])
def test_the_filter_equals_its_plain_twin(floor):
    x = (random(25) + torch.arange(25) * 0.3).double()
    valid, shot = torch.arange(25) % 7 != 3, (torch.arange(25) > 16).long()
    near = Window(valid, shot, 2.0)
    step = differences(x[:, None])
    scale = max(floor, MOTION * float(noise(step, near)))
    fast = mean_step(step, near, torch.tensor(floor), together=False)[:, 0]
    expected = torch.tensor(plain_mean_step(x.tolist(), near, scale), dtype=torch.float64)
    torch.testing.assert_close(fast, expected)


def test_components_together_share_the_weights_of_the_one_that_moves_most():
    still, jump = torch.zeros(20), torch.where(torch.arange(20) < 10, 0.0, 9.0)
    still[9], still[10] = 0.1, -0.1
    both = torch.stack([still, jump], 1)
    together = mean_step(differences(both), window(20), torch.tensor(0.5), together=True)
    apart = mean_step(differences(both), window(20), torch.tensor(0.5), together=False)
    # the jump keeps frame 10 from being pulled up by frame 9
    assert together[10, 0] < apart[10, 0]
    torch.testing.assert_close(together[:, 1], torch.zeros(20), atol=0.2, rtol=0)


def test_noise_is_told_from_motion():
    t = 400
    motion = 20 * torch.sin(2 * math.pi * 0.8 * torch.arange(t) / 25)
    values = torch.stack([0.3 * random(t), motion + 0.3 * random(t, seed=1), motion], 1)
    found = noise(differences(values), window(t))
    assert found[0] == pytest.approx(0.3, rel=0.15)
    assert found[1] == pytest.approx(0.3, rel=0.25)
    assert found[2] < 0.05


def test_a_steady_motion_is_known_exactly_and_noise_is_none():
    ramp = 0.7 * torch.arange(30.0)[:, None]
    torch.testing.assert_close(
        velocity(differences(ramp), window(30), together=False), torch.full((30, 1), 0.7)
    )
    shaky = random(2000)[:, None]
    found = velocity(differences(shaky), window(2000), together=False)
    assert found.std() < 0.2


def test_noise_on_a_steady_motion_is_halved():
    t = 300
    ramp = 0.5 * torch.arange(t)
    values = (ramp + 0.3 * random(t))[:, None]
    smooth = values + mean_step(
        differences(values), window(t, 4.0), torch.tensor(0.2), together=False
    )
    assert (smooth[:, 0] - ramp).std() < 0.15


def test_few_frames_say_nothing_of_noise():
    values = random(4, 2)
    assert noise(differences(values), window(4)).tolist() == [0.0, 0.0]
    lost = Window(torch.arange(12) % 4 != 1, torch.zeros(12), 2.0)
    assert noise(differences(random(12, 1)), lost).tolist() == [0.0]
