import math
from dataclasses import replace

import pytest
import torch

from magicportrait_core.errors import InputError
from magicportrait_core.flame.projection import camera_in_crop, camera_in_picture
from magicportrait_core.flame.rotations import from_euler, to_euler
from magicportrait_core.flame.smoothing import shots, smooth_track
from magicportrait_core.types import Camera
from tests.still_track import still_track


def random(*shape: int, seed: int = 0) -> torch.Tensor:
    return torch.randn(*shape, generator=torch.Generator().manual_seed(seed))


def with_params(track, **changes):
    return replace(track, params=replace(track.params, **changes))


def best_lag(a: torch.Tensor, b: torch.Tensor, reach: int = 8) -> int:
    """Frames by which ``a`` comes after ``b``."""
    middle = b[reach:-reach]
    matches = {
        lag: torch.corrcoef(torch.stack([a[reach + lag : len(a) - reach + lag], middle]))[0, 1]
        for lag in range(-reach, reach + 1)
    }
    return max(matches, key=matches.get)


def test_a_still_heads_noise_averages_out():
    t = 60
    still = from_euler(*(angle + 0.3 * random(t, seed=i) for i, angle in enumerate((10, -5, 3))))
    track = with_params(
        still_track(t),
        global_pose=still,
        expression=0.3 * random(t, 5),
        jaw_pose=0.02 * random(t, 3),
    )
    shaky = Camera(8 + 0.04 * random(t), 0.002 * random(t, 2))
    smooth = smooth_track(replace(track, camera=shaky), 1.0)
    for angle in to_euler(smooth.params.global_pose):
        assert angle.std() < 0.13
    assert smooth.params.expression.std(0).max() < 0.15
    assert smooth.params.jaw_pose.std(0).max() < 0.01
    assert smooth.camera.scale.std() < 0.02
    assert smooth.camera.translation.std(0).max() < 0.001


@pytest.mark.parametrize("noise", [0.0, 0.3])
@pytest.mark.parametrize("strength", [0.5, 1.0])
def test_a_turn_is_followed_without_lag(noise, strength):
    t = 150
    seconds = torch.arange(t) / 25
    yaw = 30 * torch.sin(2 * math.pi * 0.8 * seconds)
    zero = torch.zeros(t)
    turning = with_params(
        still_track(t), global_pose=from_euler(yaw + noise * random(t), zero, zero)
    )
    smooth = to_euler(smooth_track(turning, strength).params.global_pose)[0]
    assert best_lag(smooth, yaw) == 0
    assert (smooth - yaw).abs().max() < 0.5 + 4 * noise
    assert smooth.abs().max() > 29.5  # degrees, of 30


def test_a_step_stays_where_it_is():
    yaw = torch.where(torch.arange(40) < 20, 0.0, 25.0) + 0.1 * random(40)
    track = with_params(still_track(40), global_pose=from_euler(yaw, 0 * yaw, 0 * yaw))
    smooth = to_euler(smooth_track(track, 1.0).params.global_pose)[0]
    assert smooth[:20].max() < 0.5
    assert smooth[20:].min() > 24.5


def test_a_blink_keeps_its_depth():
    lids = 0.02 * random(50, 2).abs()
    lids[24:27] = torch.tensor([0.6, 1.0, 0.5])[:, None]
    track = with_params(still_track(50), eyelids=lids)
    smooth = smooth_track(track, 1.0).params.eyelids
    assert smooth[25].min() > 0.97
    assert smooth[:20].std() < lids[:20].std() / 1.5


def test_rotations_near_half_a_turn_do_not_flip():
    jitter = math.pi + 0.01 * random(30)
    track = with_params(
        still_track(30), global_pose=torch.stack([0 * jitter, jitter, 0 * jitter], 1)
    )
    yaw = to_euler(smooth_track(track, 1.0).params.global_pose)[0] % 360
    assert (yaw - 180).abs().max() < 1.0


def test_nothing_goes_across_a_cut():
    place = torch.tensor([[60.0, 60.0, 600.0]]).repeat(20, 1)
    place[10:, 0] = 500.0
    track = still_track(20)
    light = torch.zeros(20, 9, 3)
    light[10:] = 0.01  # so small a change is noise, but for the cut
    track = replace(track, camera=camera_in_crop(place, track.crop_from_frame), lighting=light)
    smooth = smooth_track(track, 1.0)
    torch.testing.assert_close(smooth.lighting, light)
    there = camera_in_picture(smooth.camera, smooth.crop_from_frame)
    torch.testing.assert_close(there, place, atol=1e-3, rtol=0)


def test_without_the_cut_the_same_change_is_smoothed():
    light = torch.zeros(20, 9, 3)
    light[10:] = 0.01
    smooth = smooth_track(replace(still_track(20), lighting=light), 1.0).lighting
    assert 0.002 < smooth[9, 0, 0] < 0.005


def test_shots_are_numbered_from_cut_to_cut():
    centres = torch.tensor([[0.0, 0], [5, 0], [95, 0], [99, 0], [99, 80]])
    assert shots(centres, torch.full((5,), 100.0)).tolist() == [0, 0, 1, 1, 2]


def test_frames_that_are_not_valid_give_no_data():
    track = with_params(still_track(30), expression=random(30, 5))
    track = replace(track, valid=torch.arange(30) % 4 != 2)
    lost = ~track.valid
    other = track.params.expression.clone()
    other[lost] = 1000.0
    a = smooth_track(track, 1.0).params.expression
    b = smooth_track(with_params(track, expression=other), 1.0).params.expression
    assert a.equal(b)
    torch.testing.assert_close(a[2], (a[1] + a[3]) / 2)


def test_a_moving_crop_does_not_shake_a_still_head():
    track = still_track(40)
    crops = track.crop_from_frame.clone()
    crops[:, 0, 2] = 20 * torch.sin(torch.arange(40) / 2)
    place = torch.tensor([[100.0, 120.0, 900.0]]).repeat(40, 1)
    track = replace(track, camera=camera_in_crop(place, crops), crop_from_frame=crops)
    smooth = smooth_track(track, 1.0)
    there = camera_in_picture(smooth.camera, smooth.crop_from_frame)
    torch.testing.assert_close(there, place, atol=1e-3, rtol=0)


def test_strength_0_changes_nothing():
    track = with_params(still_track(8), expression=random(8, 5))
    assert smooth_track(track, 0.0) is track


def test_one_frame_is_left_alone():
    track = still_track(1)
    assert smooth_track(track, 1.0) is track


def test_a_strength_that_is_none_is_refused():
    with pytest.raises(InputError, match="smoothing must be between 0 and 1"):
        smooth_track(still_track(3), 1.5)
