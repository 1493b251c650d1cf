"""From a head model's axes to a crop, and from the crop to the picture.

A crop is CROP_SIZE px a side. `types.head` says what a camera is.
"""

from __future__ import annotations

import torch
from torch import Tensor

from ..checks import check_choice, check_shape
from ..types import CROP_SIZE, Camera

#: reference: as DECA and the method trained on it compute it, half a pixel off in crop and
#: picture. exact: by pixel centres, as everything else in this package.
CONVENTIONS = ("reference", "exact")


def project(points: Tensor, camera: Camera) -> Tensor:
    """Model axes -> crop coordinates: (t, k, 3) -> (t, k, 3).

    Crop coordinates: x right, y down, the crop spans -1..1, smaller z is nearer.
    """
    t = check_shape("points", points, "t", "k", 3)["t"]
    check_shape("camera.translation", camera.translation, t, 2)
    scale = camera.scale[:, None, None]
    flat = scale * (points[..., :2] + camera.translation[:, None])
    depth = scale * points[..., 2:]
    return torch.cat([flat[..., :1], -flat[..., 1:], -depth], -1)


def crop_to_picture(
    points: Tensor,
    crop_from_frame: Tensor,
    height: int,
    width: int,
    convention: str = "reference",
) -> Tensor:
    """Crop coordinates -> screen coordinates of the picture the crop was taken from.

    Args:
        points: (t, k, 3), see `project`.
        crop_from_frame: (t, 3, 3) px of the picture -> px of the crop, affine.
        height: of the picture, px; and its width.
        convention: one of CONVENTIONS.

    Returns:
        (t, k, 3): x right, y down, the picture spans -1..1 on both axes; z as it was.
    """
    check_choice("convention", convention, CONVENTIONS)
    t = check_shape("points", points, "t", "k", 3)["t"]
    check_shape("crop_from_frame", crop_from_frame, t, 3, 3)
    half = 0.5 if convention == "exact" else 0.0
    in_crop = (points[..., :2] * 0.5 + 0.5) * CROP_SIZE - half
    back = torch.linalg.inv(crop_from_frame)[:, :2]  # (t, 2, 3)
    px = in_crop @ back[..., :2].mT + back[:, None, :, 2]
    screen = (px + half) / px.new_tensor([width, height]) * 2 - 1
    return torch.cat([screen, points[..., 2:]], -1)


def camera_in_picture(camera: Camera, crop_from_frame: Tensor) -> Tensor:
    """Where the head stands in the picture, whatever the crop: (t, 3).

    x, y in px of the model's origin (reference convention), and px a model unit.
    """
    origin = project(torch.zeros(len(camera), 1, 3).to(camera.scale), camera)[:, 0, :2]
    in_crop = (origin * 0.5 + 0.5) * CROP_SIZE
    back = torch.linalg.inv(crop_from_frame)[:, :2]
    px = (back[..., :2] @ in_crop[..., None])[..., 0] + back[..., 2]
    enlarged = back[..., :2].det().abs().sqrt() * (CROP_SIZE / 2)
    return torch.cat([px, (camera.scale * enlarged)[:, None]], -1)


def camera_in_crop(standing: Tensor, crop_from_frame: Tensor) -> Camera:
    """The inverse of `camera_in_picture`: (t, 3) and the crops (t, 3, 3) -> the camera."""
    turn = crop_from_frame[:, :2, :2]
    in_crop = (turn @ standing[:, :2, None])[..., 0] + crop_from_frame[:, :2, 2]
    scale = standing[:, 2] * turn.det().abs().sqrt() / (CROP_SIZE / 2)
    at = in_crop * (2 / CROP_SIZE) - 1
    return Camera(scale, at * at.new_tensor([1.0, -1.0]) / scale[:, None])
