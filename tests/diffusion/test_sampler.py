"""From noise to latents, over windows. The goldens hold the reference's numbers."""

from dataclasses import replace

import pytest
import torch

from magicportrait_core.diffusion.clips.clip_layout import clip_to_frames, predict_clip
from magicportrait_core.diffusion.clips.noise import initial_noise, shared_noise
from magicportrait_core.diffusion.clips.windowed import ClipDenoiser
from magicportrait_core.diffusion.context_windows import WindowSettings, context_windows
from magicportrait_core.diffusion.sampler import SampleSettings, make_noise, sample
from magicportrait_core.diffusion.schedule import (
    ddim_step,
    previous_time,
    trailing_timesteps,
    zero_snr_schedule,
)
from magicportrait_core.errors import InputError
from magicportrait_core.types import HeldGuidance, MotionGuidance

FRAMES, SIZE = 9, (4, 6)
WINDOWS = WindowSettings(length=4, overlap=1, weights="pyramid")
SETTINGS = SampleSettings(steps=3, windows=WINDOWS, guidance_scale=2.5)


@pytest.fixture
def bank(reference_unet, draw, text):
    """Of a portrait of the clip's size."""
    return reference_unet(draw(1, 4, *SIZE), text)


@pytest.fixture
def features(draw):
    return draw(FRAMES, 16, *SIZE)


@pytest.fixture
def call(unet, text, bank, features):
    def run(settings=SETTINGS, **more):
        more = {"guidance": HeldGuidance(features)} | more
        return sample(unet, text, bank, size=SIZE, settings=settings, **more)

    return run


def plainly(unet, text, bank, features, settings):
    """The same, window by window and frame by frame, with nothing shared."""
    schedule, steps = zero_snr_schedule(), settings.steps
    x = initial_noise(len(features), *SIZE, settings.seed)
    for t in trailing_timesteps(steps):
        sums, counts = torch.zeros_like(x), torch.zeros(len(x))
        for window in context_windows(len(x), settings.windows):
            latents, maps = (a[list(window)].transpose(0, 1)[None] for a in (x, features))
            without, seen = predict_clip(unet, latents, t, text, maps, bank)
            guided = without + settings.guidance_scale * (seen - without)
            for place, frame in enumerate(window):
                weight = min(place + 1, len(window) - place)
                sums[frame] += weight * guided[:, place]
                counts[frame] += weight
        x = ddim_step(schedule, x, sums / counts[:, None, None, None], t, previous_time(t, steps))
    return x


def test_sampling_is_the_plain_loop(call, unet, text, bank, features):
    expected = plainly(unet, text, bank, features, SETTINGS)
    torch.testing.assert_close(call(), expected, rtol=1e-3, atol=1e-4)


@pytest.mark.parametrize("at_once", [2, 5, None])
def test_windows_may_go_together(call, at_once):
    """None: as many as fit the memory."""
    together = call(replace(SETTINGS, windows_at_once=at_once))
    torch.testing.assert_close(together, call(), rtol=1e-3, atol=1e-4)


def test_runs_repeat_and_seeds_differ(call):
    assert call().equal(call())
    assert not call().equal(call(replace(SETTINGS, seed=7)))


def test_scale_one_is_the_conditional_half(unet, text, bank, features, draw):
    """And guidance extrapolates from the other."""

    def predict(scale):
        whole = replace(WINDOWS, length=8, overlap=0)
        clip = ClipDenoiser(unet, text, bank, HeldGuidance(features[:8]), whole, scale)
        return clip.predict(latents, 600)

    latents = draw(8, 4, *SIZE)
    args = (latents.transpose(0, 1)[None], 600, text, features[:8].transpose(0, 1)[None], bank)
    without, seen = predict_clip(unet, *args)
    close = {"rtol": 1e-3, "atol": 1e-4}
    torch.testing.assert_close(predict(1.0), clip_to_frames(seen[None]), **close)
    expected = clip_to_frames((without + 3 * (seen - without))[None])
    torch.testing.assert_close(predict(3.0), expected, **close)


def test_overlaps_are_averaged_or_summed(unet, text, bank, features, draw):
    """The reference's sum, only where guidance is off."""
    latents = draw(FRAMES, 4, *SIZE)
    closed = WindowSettings(6, 2, closed=True, weights="flat")
    counts = torch.zeros(FRAMES)
    for window in context_windows(FRAMES, closed):
        counts[list(window)] += 1
    assert set(counts.tolist()) == {1, 2, 3}

    def predict(scale, sums):
        guidance = HeldGuidance(features)
        clip = ClipDenoiser(unet, text, bank, guidance, closed, scale, sum_overlaps=sums)
        return clip.predict(latents, 600)

    averaged = predict(1.0, False)
    torch.testing.assert_close(predict(1.0, True), averaged * counts[:, None, None, None])
    torch.testing.assert_close(predict(2.0, True), predict(2.0, False))


def test_guidance_is_asked_for_by_window(call, features):
    class Lazy(MotionGuidance):
        asked = ()

        def __len__(self):
            return FRAMES

        def frames(self, indices):
            self.asked = (*self.asked, tuple(indices))
            return features[list(indices)]

    lazy = Lazy()
    assert call(guidance=lazy).equal(call())
    assert lazy.asked == tuple(context_windows(FRAMES, WINDOWS)) * SETTINGS.steps


def test_the_bank_is_rounded(call):
    rounded = call(replace(SETTINGS, bank_dtype=torch.float16))
    difference = (rounded - call()).norm() / call().norm()
    assert 0 < difference < 1e-2


def test_noise_may_be_shared(call):
    shared = replace(SETTINGS, shared_noise=True)
    assert not call(shared).equal(call())
    noise = make_noise(FRAMES, SIZE, shared, 4)
    assert noise.equal(shared_noise(FRAMES, *SIZE, SETTINGS.seed, length=4, step=3))


@pytest.mark.parametrize("solver", ["dpm++2m", "euler", "lcm"])
def test_other_solvers(call, solver):
    """They finish, repeat, and differ from DDIM."""
    pytest.importorskip("diffusers", reason="diffusers is not installed")
    settings = replace(SETTINGS, solver=solver)
    x = call(settings)
    assert x.isfinite().all()
    assert x.equal(call(settings))
    assert not torch.allclose(x, call(), atol=1e-4)


def test_progress_and_steps_are_told(call):
    told, steps = [], []
    x = call(
        progress=lambda stage, done, total: told.append((stage, done, total)),
        watch=lambda *step: steps.append(step),
    )
    assert told == [("denoising", i, 9) for i in range(10)]
    assert [number for number, *_ in steps] == [0, 1, 2]
    assert steps[-1][1].equal(x)
    assert steps[0][2].shape == x.shape
    torch.testing.assert_close(ddim_step(zero_snr_schedule(), steps[1][1], steps[2][2], 332, -1), x)
    torch.testing.assert_close(steps[2][3], x)  # the last step ends at the clean latents
    torch.testing.assert_close(steps[0][3], -steps[0][2])  # there is no signal at time 999


def test_starting_from_frames(call, unet, draw):
    """Three steps at denoise 0.3 are the last 3 of 10, from frames with the noise of time 299."""
    start = draw(FRAMES, 4, *SIZE)
    seen = []
    hook = unet.register_forward_pre_hook(lambda module, given: seen.append(given))
    call(replace(SETTINGS, denoise=0.3), start=start)
    hook.remove()
    signal = zero_snr_schedule().signal(299)
    noise = initial_noise(FRAMES, *SIZE, SETTINGS.seed)
    x, t = seen[0][:2]
    assert t == 299
    torch.testing.assert_close(x[:4], (signal**0.5 * start + (1 - signal) ** 0.5 * noise)[:4])
    times = []

    def watched(settings):
        times.clear()
        return call(settings, start=start, watch=lambda number, *_: times.append(number))

    some = watched(replace(SETTINGS, denoise=0.3))
    least = watched(replace(SETTINGS, denoise=0.003 * 4))
    assert times == [0, 1, 2]
    assert (least - start).norm() < 0.2 * (some - start).norm()
    assert (some - start).norm() < (noise - start).norm()


@pytest.mark.parametrize(
    ("change", "more", "message"),
    [
        ({"denoise": 0.5}, {}, "go with a denoise below 1"),
        ({}, {"start": torch.zeros(FRAMES, 4, *SIZE)}, "go with a denoise below 1"),
    ],
)
def test_a_start_goes_with_denoise(call, change, more, message):
    with pytest.raises(InputError, match=message):
        call(replace(SETTINGS, **change), **more)


def test_lengths_must_agree(unet, text, bank, features, draw):
    clip = ClipDenoiser(unet, text, bank, HeldGuidance(features), WINDOWS, 2.0)
    with pytest.raises(InputError, match="8 latents and 9 frames of maps"):
        clip.predict(draw(8, 4, *SIZE), 600)


@pytest.mark.parametrize(
    "change",
    [
        {"steps": 0},
        {"guidance_scale": -1},
        {"denoise": 0},
        {"denoise": 1.5},
        {"steps": 900, "denoise": 0.5},
        {"windows_at_once": 0},
        {"solver": "magic"},
    ],
)
def test_settings_have_bounds(change):
    with pytest.raises(InputError, match="must be"):
        replace(SETTINGS, **change)
