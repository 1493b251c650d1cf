"""Hair, neck and background: with the head near it, still far from it."""

import pytest
import torch

from magicportrait_core.preview.scan import scan_convert
from magicportrait_core.preview.sliders import FaceSliders, slider_motion
from magicportrait_core.preview.surround import Surround
from magicportrait_core.topology import TRIANGLES

STEP = 4


@pytest.fixture
def surround(portrait):
    return Surround.from_head(portrait.head, *portrait.picture.shape[1:])


def offsets(portrait, surround, *poses):
    head, motion = portrait.head, slider_motion(portrait.head, list(poses))
    landmarks = head.turn(head.deform(motion), motion.rotation)
    placed = surround.place(head, motion, landmarks)
    return surround.field(placed, *portrait.picture.shape[1:], STEP)


def test_shares(surround):
    for share in (surround.rigid, surround.follow):
        assert share.min() >= 0
        assert share.max() <= 1
    assert surround.rigid.max() == 1
    assert surround.triangles.max() < len(surround.rest) == len(surround.pixels)


def test_at_rest_nothing_moves(portrait, surround):
    assert offsets(portrait, surround, FaceSliders()).abs().max() < 0.02


def test_the_border_of_the_picture_stays(portrait, surround):
    """Up to a 25th of the distance between the eyes' corners, for turns and nods."""
    poses = [FaceSliders(yaw=25), FaceSliders(yaw=-25), FaceSliders(pitch=20)]
    field = offsets(portrait, surround, *poses, FaceSliders(pitch=-20)) / portrait.head.pose.scale
    for edge in (field[:, 0], field[:, -1], field[:, :, 0], field[:, :, -1]):
        assert edge.abs().max() < 0.04


def test_hair_goes_with_the_skull(portrait, surround):
    """Just above the forehead the field is the head's own motion."""
    head, motion = portrait.head, slider_motion(portrait.head, [FaceSliders(roll=12)])
    above = 1.15 * (surround.rest.view(-1, 36, 3)[3, 0] - surround.rest[0]) + surround.rest[0]
    at, turned = (
        head.turn(above[None, None], rotation)[0, 0, :2]
        for rotation in (torch.eye(3)[None], motion.rotation)
    )
    x, y = turned.round().int().tolist()
    field = offsets(portrait, surround, FaceSliders(roll=12))[0, y, x]
    assert (turned - at).norm() > 3
    torch.testing.assert_close(field, at - turned, atol=0.25 * float((turned - at).norm()), rtol=0)


def test_nothing_tears_round_the_face(portrait, surround):
    """Neighbours come from neighbours, outside of what the face covers."""
    head = portrait.head
    turned = [FaceSliders(yaw=25), FaceSliders(yaw=-25), FaceSliders(pitch=-20)]
    poses = [*turned, FaceSliders(yaw=15, roll=12)]
    field = offsets(portrait, surround, *poses)
    motion = slider_motion(head, poses)
    landmarks = head.turn(head.deform(motion), motion.rotation)
    open_to_view = scan_convert(landmarks, TRIANGLES, *portrait.picture.shape[1:]) < 0
    for axis in (1, 2):
        n = field.shape[axis] - 1
        both = open_to_view.narrow(axis, 0, n) & open_to_view.narrow(axis, 1, n)
        jump = field.diff(dim=axis).norm(dim=-1) * both / head.pose.scale
        assert jump.max() < 0.08
