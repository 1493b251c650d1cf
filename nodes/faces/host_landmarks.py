"""The host's FACE_LANDMARKS, which newer ones make, as the core's faces."""

from __future__ import annotations

import math

import torch
from comfy_api.latest import io
from torch import Tensor

from ...magicportrait_core.errors import InputError
from ...magicportrait_core.faces.given import GivenFace

#: {"frames": [[face, ...], ...], "image_size": (h, w)}; a face has landmarks_xy (478, 2) px,
#: landmarks_3d (478, 3) in pixels of the network's crop, and presence, a logit
FaceLandmarks = io.Custom("FACE_LANDMARKS")


def given_faces(landmarks: dict, size: tuple[int, int]) -> list[list[GivenFace]]:
    """The faces of each frame; ``size`` (h, w) is that of the clip they must be of."""
    seen = tuple(landmarks["image_size"])
    if seen != size:
        raise InputError(
            f"face_landmarks are of frames of {seen[1]} x {seen[0]} px, the driving clip's are "
            f"{size[1]} x {size[0]}: detect them in the clip's own frames, unscaled."
        )
    return [[_face(face) for face in frame] for frame in landmarks["frames"]]


def _face(face: dict) -> GivenFace:
    flat = torch.as_tensor(face["landmarks_xy"]).float()
    crop = torch.as_tensor(face["landmarks_3d"]).float()
    depth = crop[:, 2:] * (_spread(flat) / _spread(crop[:, :2]))
    presence = 1 / (1 + math.exp(-min(max(float(face["presence"]), -80.0), 80.0)))
    return torch.cat([flat, depth], 1), presence


def _spread(points: Tensor) -> Tensor:
    """Of (n, 2) points round their middle: their turn does not change it, their scale does."""
    return (points - points.mean(0)).square().sum().sqrt().clamp(min=1e-6)
