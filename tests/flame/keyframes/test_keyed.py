"""Key frames on a track: what has keys changes, all else stays bit for bit."""

from __future__ import annotations

import pytest
import torch

from magicportrait_core.errors import InputError
from magicportrait_core.flame.keyframes.files import read_text
from magicportrait_core.flame.keyframes.keyed import keyed
from magicportrait_core.flame.rotations import to_euler
from tests.small_head import NUM_EXPRESSION, small_head, small_track


def laid(text, way="replace", frames=9):
    track, head = small_track(frames), small_head()
    return track, keyed(track, read_text(text, "keys", NUM_EXPRESSION), head, way)


def test_values_are_replaced_and_held():
    track, moved = laid('{"keys": [{"frame": 2, "yaw": 10}, {"frame": 6, "yaw": -10}]}')
    yaw, pitch, roll = to_euler(moved.params.global_pose)
    assert torch.allclose(yaw[:3], torch.tensor(10.0), atol=1e-3)
    assert torch.allclose(yaw[6:], torch.tensor(-10.0), atol=1e-3)
    assert (yaw[2:7].diff() < 0).all()
    own = to_euler(track.params.global_pose)
    assert torch.allclose(pitch, own[1], atol=1e-3)
    assert torch.allclose(roll, own[2], atol=1e-3)
    for name in ("expression", "jaw_pose", "eye_pose", "eyelids"):
        assert torch.equal(getattr(moved.params, name), getattr(track.params, name))


def test_values_are_added():
    track, moved = laid("frame,jaw,exp_3\n0,0,0\n4,12,1.5\n8,0,0\n", "add")
    opened = torch.rad2deg(moved.params.jaw_pose[:, 0] - track.params.jaw_pose[:, 0])
    assert float(opened[4]) == pytest.approx(12, abs=1e-3)
    assert float(opened[0]) == pytest.approx(0, abs=1e-4)
    assert 0 < float(opened[2]) < 12
    more = moved.params.expression - track.params.expression
    assert float(more[4, 3]) == pytest.approx(1.5, abs=1e-5)
    assert torch.equal(more[:, [0, 1, 2, 4]], torch.zeros(9, 4))
    assert torch.equal(moved.params.jaw_pose[:, 1:], track.params.jaw_pose[:, 1:])


def test_lids_and_gaze():
    _, moved = laid('{"keys": [{"frame": 0, "eyelid_left": 1, "gaze_yaw": 20}]}')
    assert torch.equal(moved.params.eyelids[:, 0], torch.ones(9))
    yaws = [to_euler(eye)[0] for eye in moved.params.eye_pose.split(3, 1)]
    assert all(torch.allclose(yaw, torch.tensor(20.0), atol=1e-3) for yaw in yaws)


def test_the_track_is_left_alone():
    before = small_track(9)
    track, _ = laid("frame,exp_0\n0,3\n")
    assert torch.equal(track.params.expression, before.params.expression)


def test_a_key_beyond_the_clip():
    with pytest.raises(InputError, match=r"frame 9, the clip has 9 frames"):
        laid("frame,yaw\n9,3\n")


def test_a_wrong_channel_is_named():
    with pytest.raises(InputError, match="did you mean yaw"):
        read_text("frame,yav\n0,1\n", "curves", 5)


def test_keys_of_no_channel_change_nothing():
    track, moved = laid("frame\n0\n")
    for name in ("global_pose", "jaw_pose", "expression", "eye_pose", "eyelids"):
        assert torch.allclose(getattr(moved.params, name), getattr(track.params, name), atol=1e-5)
