"""Motion as the driver's change from its frame at rest."""

from dataclasses import replace

import pytest
import torch

from magicportrait_core.errors import InputError
from magicportrait_core.flame.lbs import rotation_matrix
from magicportrait_core.flame.motion.readout import head_angles
from magicportrait_core.flame.rotations import axis_angle, from_euler
from tests.small_head import small_track
from tests.transfers import ALL, NAMES, angle_between, run


def turn(track, rotation, side):
    """The track with every global pose turned by ``rotation`` (3, 3) on one side."""
    poses = rotation_matrix(track.params.global_pose)
    poses = rotation @ poses if side == "left" else poses @ rotation
    return replace(track, params=replace(track.params, global_pose=axis_angle(poses)))


def test_relative_at_rest_is_the_portrait(portrait, driver, small_head):
    track = run(portrait, driver, small_head, mode="relative", neutral_frame=3, **ALL)
    for name in NAMES:
        own, found = getattr(portrait.params, name)[0], getattr(track.params, name)[3]
        assert torch.allclose(found, own, atol=1e-6), name


@pytest.mark.parametrize("axis", [0, 1, 2])
@pytest.mark.parametrize("gains", [{}, {"yaw": 0.4, "pitch": 1.3, "roll": 0.0}])
def test_a_turned_neutral_does_not_leak(portrait, driver, small_head, axis, gains):
    """The driver's clip seen by a camera 20 degrees aside gives the same performance."""
    camera = rotation_matrix(torch.deg2rad(torch.tensor(20.0)) * torch.eye(3)[axis])
    given = {"mode": "relative", "neutral_frame": 0, **gains}
    track = run(portrait, driver, small_head, **given)
    aside = run(portrait, turn(driver, camera, "left"), small_head, **given)
    assert angle_between(track.params.global_pose, aside.params.global_pose).max() < 0.01


def test_a_nod_of_a_turned_driver_is_a_nod(portrait, small_head):
    """A driver 20 degrees aside nods about its own ears: a frontal portrait does so too."""
    aside = torch.tensor([[20.0, 0.0, 0.0]] * 2).T
    nod = from_euler(torch.zeros(2), torch.tensor([0.0, 15.0]), torch.zeros(2))
    poses = axis_angle(rotation_matrix(from_euler(*aside)) @ rotation_matrix(nod))
    driver = small_track(2)
    driver = replace(driver, params=replace(driver.params, global_pose=poses))
    front = replace(portrait, params=replace(portrait.params, global_pose=torch.zeros(1, 3)))
    track = run(front, driver, small_head, mode="relative", neutral_frame=0)
    angles = torch.stack(head_angles(track))
    assert torch.allclose(angles[:, 0], torch.zeros(3), atol=1e-3)
    assert torch.allclose(angles[:, 1], torch.tensor([0.0, 15.0, 0.0]), atol=1e-3)


def test_relative_is_the_composed_rotation(portrait, driver, small_head):
    track = run(portrait, driver, small_head, mode="relative", neutral_frame=2)
    r = rotation_matrix
    poses = r(driver.params.global_pose)
    expected = r(portrait.params.global_pose) @ poses[2].T @ poses
    assert torch.allclose(r(track.params.global_pose), expected, atol=1e-5)


def test_jaws_do_not_close_further_than_shut(portrait, driver, small_head):
    closing = driver.params.jaw_pose.clone()
    closing[0] = torch.tensor([0.3, 0, 0])
    closing[1:] = torch.tensor([0.0, 0, 0])
    driver = replace(driver, params=replace(driver.params, jaw_pose=closing))
    shut = replace(portrait, params=replace(portrait.params, jaw_pose=torch.zeros(1, 3)))
    track = run(shut, driver, small_head, mode="relative", neutral_frame=0)
    assert track.params.jaw_pose[:, 0].min() >= 0
    below = replace(driver, params=replace(driver.params, jaw_pose=closing - 0.05))
    assert torch.equal(run(shut, below, small_head).params.jaw_pose, closing - 0.05)


def _with_lids(track, lids):
    return replace(track, params=replace(track.params, eyelids=lids))


def test_relative_blinks_shut_the_eyes(portrait, driver, small_head):
    lids = torch.tensor([0.3, 0.65, 1.0, 0.1]).repeat(2, 1).T.contiguous()
    acted = _with_lids(driver[:4], lids)
    for own in (0.0, 0.2, 0.5):
        mine = _with_lids(portrait, torch.full((1, 2), own))
        track = run(mine, acted, small_head, mode="relative", neutral_frame=0)
        half, wide = own + (1 - own) / 2, max(own - 0.2, 0)
        expected = torch.tensor([own, half, 1.0, wide])
        assert torch.allclose(track.params.eyelids[:, 0], expected, atol=1e-6)


@pytest.mark.parametrize("mode", ["absolute", "relative"])
def test_eyelids_that_were_not_tracked(portrait, driver, small_head, mode):
    none, nobody = _with_lids(portrait, None), _with_lids(driver, None)
    assert run(none, nobody, small_head, mode=mode).params.eyelids is None
    assert run(none, driver, small_head, mode=mode, eyelids=0.0).params.eyelids is None
    assert run(none, driver, small_head, mode=mode).params.eyelids.shape == (9, 2)
    kept = run(portrait, nobody, small_head, mode=mode).params.eyelids
    assert torch.equal(kept, portrait.params.eyelids.expand(9, 2))


def test_a_neutral_frame_beyond_the_driver_is_refused(portrait, driver, small_head):
    with pytest.raises(InputError, match="0 to 8, got 9"):
        run(portrait, driver, small_head, mode="relative", neutral_frame=9)
