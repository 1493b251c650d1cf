"""Filters over time: tremor goes, motion stays, nothing is shifted in time."""

import pytest
import torch

from magicportrait_core.preview.canonical import HeadPose
from magicportrait_core.preview.rotation import from_euler, to_euler
from magicportrait_core.preview.steady import steady_face, steady_pose

FPS = 24.0


def pose_of(yaw):
    none = torch.zeros_like(yaw)
    return HeadPose(from_euler(yaw, none, none), 100 + none, none[:, None].expand(-1, 3).clone())


def test_what_rests_stays():
    values = torch.rand(1, 4, 2).expand(20, -1, -1)
    torch.testing.assert_close(steady_face(values, FPS), values)
    pose = pose_of(torch.full((20,), 17.0))
    torch.testing.assert_close(steady_pose(pose, FPS).rotation, pose.rotation, atol=1e-5, rtol=0)


def test_one_frame_is_enough():
    assert steady_face(torch.ones(1, 3, 2), FPS).shape == (1, 3, 2)
    assert steady_pose(pose_of(torch.ones(1)), FPS).rotation.shape == (1, 3, 3)


def test_tremor_is_calmed():
    generator = torch.Generator().manual_seed(0)
    noise = 0.003 * torch.randn(200, 10, 2, generator=generator)
    assert steady_face(noise, FPS).std() < 0.5 * noise.std()
    yaw = torch.randn(200, generator=generator)
    steady = to_euler(steady_pose(pose_of(yaw), FPS).rotation)[0]
    assert steady.std() < 0.5 * yaw.std()


def test_a_blink_passes():
    """Shut for one frame of 24 a second."""
    gap = torch.full((30, 1), 0.12)
    gap[14:17, 0] = torch.tensor([0.06, 0.0, 0.06])
    seen = steady_face(gap, FPS)
    assert int(seen.argmin()) == 15
    assert seen.min() < 0.15 * gap.max()


def test_there_is_no_delay():
    yaw = 15 * torch.exp(-(((torch.arange(61) - 30) / 8.0) ** 2))
    seen = to_euler(steady_pose(pose_of(yaw), FPS).rotation)[0]
    torch.testing.assert_close(seen, seen.flip(0), atol=1e-3, rtol=0)
    assert float(seen.max()) == pytest.approx(15, rel=0.15)


def test_rotations_stay_rotations():
    yaw = torch.tensor([0.0, 50, -50, 80, -80] * 4)
    rotation = steady_pose(pose_of(yaw), FPS).rotation
    torch.testing.assert_close(torch.linalg.det(rotation), torch.ones(20), atol=1e-5, rtol=0)
