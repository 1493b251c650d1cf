"""Draw a tracked mesh over its frame, to look at."""

from __future__ import annotations

import torch
from PIL import Image, ImageDraw
from torch import Tensor

from .. import topology
from ..checks import check_shape
from ..topology import NUM_LANDMARKS, TRIANGLES

OVERSAMPLE = 3  #: lines are drawn on a picture this much finer, then averaged: smooth edges
MESH, FEATURE, IRIS, LOST = (120, 200, 220), (255, 255, 255), (255, 190, 60), (230, 80, 70)
RINGS = ("FACE_OVAL", "LIPS_OUTER", "LIPS_INNER", "LEFT_EYE", "RIGHT_EYE")
RINGS += ("LEFT_BROW", "RIGHT_BROW")


def draw_track(frame: Tensor, landmarks: Tensor, valid: bool = True) -> Tensor:
    """The frame (3, h, w) uint8 with the mesh of its landmarks (478, 2 or 3) px drawn over it.

    Features are white, the irises orange, the mesh thin; an interpolated face (``valid`` False)
    is red.
    """
    height, width = check_shape("frame", frame, 3, "h", "w").values()
    check_shape("landmarks", landmarks, NUM_LANDMARKS, "d")
    mask = Image.new("RGB", (width * OVERSAMPLE, height * OVERSAMPLE))
    cover = Image.new("L", mask.size)
    points = (landmarks[:, :2].float() + 0.5) * OVERSAMPLE
    unit = OVERSAMPLE * max(1.0, min(height, width) / 512)

    def line(path: Tensor, colour: tuple[int, int, int], thick: float, alpha: int) -> None:
        corners = [tuple(xy) for xy in path.tolist()]
        ImageDraw.Draw(mask).line(corners, colour, round(thick * unit), "curve")
        ImageDraw.Draw(cover).line(corners, alpha, round(thick * unit), "curve")

    for a, b, c in TRIANGLES.tolist():
        line(points[[a, b, c, a]], MESH if valid else LOST, 0.67, 90)
    for name in RINGS:
        ring = getattr(topology, name)
        line(points[[*ring, ring[0]]], FEATURE if valid else LOST, 1.0, 255)
    for iris in (topology.LEFT_IRIS, topology.RIGHT_IRIS):
        line(_ellipse(points[list(iris)]), IRIS if valid else LOST, 1.0, 255)
    return _blend(frame, mask, cover)


def _ellipse(iris: Tensor) -> Tensor:
    """(5, 2) centre, right, top, left, bottom -> (25, 2) a closed curve through the four."""
    centre, right, top, left, bottom = iris
    turn = torch.linspace(0, 2 * torch.pi, 25)[:, None]
    return centre + (right - left) / 2 * turn.cos() + (bottom - top) / 2 * turn.sin()


def _blend(frame: Tensor, mask: Image.Image, cover: Image.Image) -> Tensor:
    """Lay the drawing over the frame by its coverage, averaged down to the frame's size."""
    height, width = frame.shape[1:]
    alpha = _pixels(cover.reduce(OVERSAMPLE), height, width, 1) / 255
    drawn = Image.composite(mask, Image.new("RGB", mask.size), cover)  # premultiplied
    colour = _pixels(drawn.reduce(OVERSAMPLE), height, width, 3)
    mixed = frame.cpu().float() * (1 - alpha) + colour
    return mixed.round().clamp(0, 255).to(torch.uint8)


def _pixels(image: Image.Image, height: int, width: int, channels: int) -> Tensor:
    values = torch.frombuffer(bytearray(image.tobytes()), dtype=torch.uint8)
    return values.reshape(height, width, channels).permute(2, 0, 1).float()
