"""Curves measure what was done to the face."""

import pytest
import torch

from magicportrait_core.demo import demo_portrait_path
from magicportrait_core.faces.networks import load_networks
from magicportrait_core.faces.tracker import track_image
from magicportrait_core.looking.curves import read_curves
from magicportrait_core.preview.canonical import canonical_face
from magicportrait_core.preview.rotation import from_euler
from magicportrait_core.types import FaceTrack
from magicportrait_core.video import open_image


def _track(landmarks):
    count = len(landmarks)
    boxes, ones = torch.zeros(count, 4), torch.ones(count)
    return FaceTrack(boxes, landmarks, ones, ones.bool(), (512, 512))


@pytest.mark.parametrize("name", ["yaw", "pitch", "roll"])
def test_turned_heads_are_measured_in_degrees(name):
    angles = torch.tensor([0.0, 12.0, -20.0])
    given = {key: angles * (key == name) for key in ("yaw", "pitch", "roll")}
    heads = canonical_face() @ from_euler(**given).transpose(-1, -2)
    curves = read_curves(_track(heads * 100 + 256))
    for key, expected in given.items():
        found = getattr(curves, key)
        assert (found - found[0] - expected).abs().max() < 0.1, key


def test_openings_are_shares_of_the_eyes_distance():
    face = canonical_face()[None].repeat(2, 1, 1)
    face[1, 14, 1] = face[1, 13, 1] + 0.3  # the outer eye corners are 1 apart
    face[1, 14, 0] = face[1, 13, 0]
    for upper, lower in ((159, 145), (386, 374)):
        face[1, lower, :2] = face[1, upper, :2]
    curves = read_curves(_track(face * 80))
    assert curves.mouth[1] == pytest.approx(0.3, rel=0.02)
    assert curves.eyes[0] > 0.1
    assert curves.eyes[1] == 0


def test_the_portrait_looks_ahead():
    curves = read_curves(track_image(open_image(demo_portrait_path()), load_networks()))
    assert curves.yaw.abs() < 10
    assert curves.roll.abs() < 10
