"""Scenes made of the shipped portrait, whose faces' places are known."""

from fractions import Fraction
from importlib.resources import files
from types import SimpleNamespace

import numpy as np
import pytest
import torch
import torch.nn.functional as F
from PIL import Image

from magicportrait_core.faces.networks import load_networks
from magicportrait_core.faces.tracker import track_image
from magicportrait_core.types import VideoClip

HEAD = 224  #: px a side


@pytest.fixture(scope="session")
def networks():
    return load_networks()


@pytest.fixture(scope="session")
def portrait():
    """(3, 512, 512) uint8."""
    with files("magicportrait_core").joinpath("data/portrait.jpg").open("rb") as file:
        image = Image.open(file).convert("RGB").resize((512, 512))
    return torch.from_numpy(np.array(image)).permute(2, 0, 1)


@pytest.fixture(scope="session")
def head(portrait, networks):
    """The portrait's head cut out: image (3, 224, 224) uint8, its face's width and centre in px."""
    x0, y0, x1, y1 = track_image(portrait, networks).boxes[0].tolist()
    side = 2.2 * max(x1 - x0, y1 - y0)
    left, top = max(0, round((x0 + x1 - side) / 2)), max(0, round((y0 + y1 - side) / 2))
    cut = portrait[:, top : top + round(side), left : left + round(side)]
    image = F.interpolate(cut[None].float(), (HEAD, HEAD), mode="bilinear", antialias=True)[0]
    image = image.round().clamp(0, 255).to(torch.uint8)
    x0, y0, x1, y1 = track_image(image, networks).boxes[0].tolist()
    return SimpleNamespace(image=image, width=x1 - x0, x=(x0 + x1) / 2, y=(y0 + y1) / 2)


@pytest.fixture(scope="session")
def backdrop():
    """backdrop(height, width): a picture without a face."""

    def make(height, width):
        noise = torch.rand(3, height // 8, width // 8, generator=torch.Generator().manual_seed(1))
        blown_up = F.interpolate(noise[None], (height, width))[0]
        return (90 + 60 * blown_up).to(torch.uint8)

    return make


@pytest.fixture(scope="session")
def paste(head):
    """paste(scene, x, y, width): a copy with the head's face centred there, so wide, feathered."""

    def place(scene, x, y, width, image=head.image):
        scene = scene.clone()
        size = round(HEAD * width / head.width)
        scaled = F.interpolate(image[None].float(), (size, size), mode="bilinear", antialias=True)
        ramp = 1 - torch.linspace(-1, 1, size).square()
        oval = (ramp[:, None] + ramp[None] - 1).clamp(0, 0.1) * 10
        left = round(x - head.x * size / HEAD)
        top = round(y - head.y * size / HEAD)
        x0, y0 = max(0, -left), max(0, -top)
        x1, y1 = min(size, scene.shape[2] - left), min(size, scene.shape[1] - top)
        window = scene[:, top + y0 : top + y1, left + x0 : left + x1]
        alpha = oval[y0:y1, x0:x1]
        mixed = window * (1 - alpha) + scaled[0, :, y0:y1, x0:x1] * alpha
        window.copy_(mixed.round().clamp(0, 255).to(torch.uint8))
        return scene

    return place


@pytest.fixture(scope="session")
def as_clip():
    """as_clip(frames): a clip of (t, 3, h, w) pictures, or a list of them, at 24 fps."""

    def make(frames):
        images = frames if isinstance(frames, torch.Tensor) else torch.stack(frames)
        return VideoClip.from_tensor(images, Fraction(24), "scene")

    return make
