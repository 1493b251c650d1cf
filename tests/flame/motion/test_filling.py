import math
from dataclasses import replace

import pytest
import torch

from magicportrait_core.errors import InputError
from magicportrait_core.flame.lbs import rotation_matrix
from magicportrait_core.flame.motion.filling import fill_rotations, fill_track, fill_values
from magicportrait_core.flame.projection import camera_in_crop, camera_in_picture
from magicportrait_core.flame.rotations import axis_angle
from tests.still_track import still_track


def test_values_go_straight_between_known_frames_and_are_held_at_the_ends():
    values = torch.tensor([9.0, 1.0, 9.0, 9.0, 9.0, 3.0, 9.0])
    valid = torch.tensor([False, True, False, False, False, True, False])
    filled = fill_values(values, valid)
    assert filled.tolist() == [1.0, 1.0, 1.5, 2.0, 2.5, 3.0, 3.0]


def test_known_frames_stay_bit_for_bit():
    values = torch.rand(6, 2, 3, generator=torch.Generator().manual_seed(0))
    valid = torch.tensor([True, False, True, True, False, True])
    assert fill_values(values, valid)[valid].equal(values[valid])
    assert fill_rotations(values[:, 0], valid)[valid].equal(values[valid, 0])


def test_rotations_take_the_shortest_way_on_the_sphere():
    # 170 and -170 degrees about z: 20 degrees apart by way of 180, not 340 by way of 0
    ends = [0.0, 0.0, math.radians(170)], [0.0, 0.0, math.radians(-170)]
    rotations = torch.tensor([ends[0], [0.0, 0.0, 0.0], [0.0, 0.0, 0.0], ends[1]])
    filled = fill_rotations(rotations, torch.tensor([True, False, False, True]))
    degrees = torch.rad2deg(filled[:, 2]) % 360
    torch.testing.assert_close(degrees, torch.tensor([170.0, 530 / 3, 550 / 3, 190.0]))


def test_rotations_about_different_axes_keep_an_even_pace():
    rotations = torch.tensor([[1.2, 0, 0], [0, 0, 0], [0, 0, 0], [0, 0.9, 0]])
    filled = fill_rotations(rotations, torch.tensor([True, False, False, True]))
    matrices = rotation_matrix(filled)
    steps = axis_angle(matrices[:-1].mT @ matrices[1:]).norm(dim=-1)
    torch.testing.assert_close(steps, steps[:1].expand(3))


def test_nothing_known_is_an_error():
    with pytest.raises(InputError, match="no frame is known"):
        fill_values(torch.zeros(3), torch.zeros(3, dtype=torch.bool))


def test_a_track_without_gaps_is_returned_as_it_is():
    track = still_track(5)
    assert fill_track(track) is track


def test_a_gap_is_filled_in_the_picture_where_crops_move():
    track = still_track(3)
    crops = track.crop_from_frame.clone()
    crops[:, 0, 2] = torch.tensor([0.0, -30.0, 10.0])  # the crop wanders, the head does not
    standing = torch.tensor([[100.0, 120.0, 900.0]] * 3)
    track = replace(
        track,
        camera=camera_in_crop(standing, crops),
        crop_from_frame=crops,
        valid=torch.tensor([True, False, True]),
    )
    broken = replace(track.camera, scale=track.camera.scale * torch.tensor([1.0, 5.0, 1.0]))
    filled = fill_track(replace(track, camera=broken))
    place = camera_in_picture(filled.camera, filled.crop_from_frame)
    torch.testing.assert_close(place, standing, atol=1e-3, rtol=0)
    assert filled.valid.tolist() == [True, False, True]
