"""Portraits with their tracks, and drivers whose poses are known."""

from __future__ import annotations

from dataclasses import dataclass, replace
from fractions import Fraction

import pytest
import torch
from torch import Tensor

from magicportrait_core.demo import demo_portrait_path
from magicportrait_core.faces.networks import load_networks
from magicportrait_core.faces.tracker import track_image
from magicportrait_core.pictures import to_float
from magicportrait_core.preview.canonical import canonical_face
from magicportrait_core.preview.engine import portrait_head, render_motion
from magicportrait_core.preview.head import PortraitHead
from magicportrait_core.preview.motion import FaceMotion
from magicportrait_core.preview.sliders import FaceSliders, slider_motion
from magicportrait_core.types import FaceTrack
from magicportrait_core.video import open_image

SIZE = 512  #: px a side of a driver's frames


@dataclass(frozen=True)
class Portrait:
    picture: Tensor  #: (3, h, w) float 0..1
    track: FaceTrack
    head: PortraitHead

    def face(self, image: Tensor) -> Tensor:
        """The face box of (..., h, w) pictures."""
        x0, y0, x1, y1 = self.track.boxes[0].round().int().tolist()
        return image[..., y0:y1, x0:x1]

    def draw(self, motion: FaceMotion) -> Tensor:
        return torch.cat(list(render_motion(self.picture, self.head, motion)))

    def pose(self, *poses: FaceSliders) -> Tensor:
        return self.draw(slider_motion(self.head, list(poses)))


@pytest.fixture(scope="session")
def networks():
    return load_networks()


@pytest.fixture(scope="session")
def as_portrait(networks):
    """as_portrait(image): a (3, h, w) uint8 picture tracked."""

    def make(image: Tensor) -> Portrait:
        track = track_image(image, networks)
        return Portrait(to_float(image), track, portrait_head(to_float(image), track))

    return make


@pytest.fixture(scope="session")
def shipped(as_portrait) -> Portrait:
    """A face of 93 px that smiles with parted lips."""
    return as_portrait(open_image(demo_portrait_path()))


@pytest.fixture(scope="session")
def boy(as_portrait, shared_media) -> Portrait:
    """A face of 239 px with closed lips."""
    return as_portrait(open_image(shared_media / "boy_cropped.jpg"))


@pytest.fixture(params=["shipped", "boy"])
def portrait(request) -> Portrait:
    return request.getfixturevalue(request.param)


def track_of(landmarks: Tensor) -> FaceTrack:
    t = len(landmarks)
    boxes = torch.cat([landmarks[..., :2].amin(1), landmarks[..., :2].amax(1)], 1)
    return FaceTrack(
        boxes, landmarks, torch.ones(t), torch.ones(t, dtype=torch.bool), (SIZE, SIZE), Fraction(24)
    )


@pytest.fixture(scope="session")
def actor() -> PortraitHead:
    """The mean face, 200 px between its eyes' outer corners."""
    pixels = 200 * canonical_face() + torch.tensor([256.0, 220.0, 0.0])
    return PortraitHead.from_track(track_of(pixels[None]))


@pytest.fixture(scope="session")
def act(actor):
    """act([FaceSliders(...), ...]): the track of the mean face so posed, lips closed at rest."""

    def make(poses: list[FaceSliders]) -> FaceTrack:
        rest = slider_motion(actor, [FaceSliders()])
        motion = slider_motion(actor, poses)
        motion = replace(motion, lip_gap=(motion.lip_gap - rest.lip_gap).clamp(min=0))
        return track_of(actor.turn(actor.deform(motion), motion.rotation))

    return make
