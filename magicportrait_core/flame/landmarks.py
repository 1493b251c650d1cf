"""Landmarks on a posed head: points on its faces, and the jaw line that wanders with the yaw."""

from __future__ import annotations

import torch
from torch import Tensor

from .head_model import Embedding, LandmarkSet

LAST_ROW = 39  #: degrees of yaw up to which the contour has rows of its own


def points_on_faces(vertices: Tensor, faces: Tensor, embedding: Embedding) -> Tensor:
    """(t, v, 3) vertices -> (t, k, 3): ``embedding`` is (k,) for all frames or (t, k) for each."""
    corners = faces[embedding.faces]  # (..., k, 3)
    if corners.ndim == 2:
        picked = vertices[:, corners]
    else:
        frames = torch.arange(len(vertices), device=vertices.device)[:, None, None]
        picked = vertices[frames, corners]
    return (picked * embedding.bary[..., None]).sum(-2)


def contour(landmarks: LandmarkSet, root: Tensor, neck: Tensor) -> Embedding:
    """The jaw line for each frame's yaw, (t, 17).

    root, neck: (t, 3, 3) rotations of these joints. Rows of the table are whole degrees: 0..39,
    then -1..-39; what lies beyond takes the last.
    """
    turn = neck @ root
    yaw = torch.atan2(-turn[:, 2, 0], (turn[:, 0, 0] ** 2 + turn[:, 1, 0] ** 2).sqrt())
    degrees = (torch.rad2deg(yaw)).clamp(max=LAST_ROW).round().long()
    rows = torch.where(degrees < -LAST_ROW, 2 * LAST_ROW, LAST_ROW - degrees)
    rows = torch.where(degrees < 0, rows, degrees)
    return Embedding(landmarks.contour.faces[rows], landmarks.contour.bary[rows])


def ibug68(
    vertices: Tensor, faces: Tensor, landmarks: LandmarkSet, root: Tensor, neck: Tensor
) -> Tensor:
    """(t, 68, 3): 17 points of the wandering contour, then the 51 static ones."""
    moving = contour(landmarks, root, neck)
    t = len(vertices)
    still = landmarks.static
    both = Embedding(
        torch.cat([moving.faces, still.faces.expand(t, -1)], 1),
        torch.cat([moving.bary, still.bary.expand(t, -1, -1)], 1),
    )
    return points_on_faces(vertices, faces, both)
