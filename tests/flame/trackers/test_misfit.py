"""The figure that tells a head beside the face from one on it."""

from dataclasses import replace

import pytest
import torch

from magicportrait_core.flame.registration.registration import Registration
from magicportrait_core.flame.trackers.landmark_fit import MISFIT
from magicportrait_core.flame.trackers.misfit import misfit
from magicportrait_core.types import Camera
from tests import synthetic_figures as judged
from tests.synthetic_truth import act


@pytest.fixture(scope="module")
def fitted(golden_head):
    scene = act(golden_head, 0, 40)
    indices, embedding = scene.points
    none = torch.zeros(len(indices))
    return scene, Registration(indices, embedding, none, none), judged.fit(scene)


def test_a_head_on_its_face(fitted):
    scene, laid, track = fitted
    assert 0 < misfit(scene.head, laid, track, scene.track) < 0.02


@pytest.mark.parametrize(("larger", "aside"), [(1.3, 0.0), (1.0, 0.02)])
def test_the_camera_counts(fitted, larger, aside):
    """A good fit that is drawn too large, or aside, is told: nothing is aligned first."""
    scene, laid, track = fitted
    camera = Camera(track.camera.scale * larger, track.camera.translation + aside)
    assert misfit(scene.head, laid, replace(track, camera=camera), scene.track) > MISFIT


def test_lost_frames_are_not_looked_at(fitted):
    scene, laid, track = fitted
    assert not bool(track.valid.all())
    faces = replace(scene.track, landmarks=scene.track.landmarks.clone())
    faces.landmarks[~faces.valid] = torch.nan
    assert misfit(scene.head, laid, track, faces) < 0.02
