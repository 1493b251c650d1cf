"""The part of a portrait that all later steps work on: a square round the head, or the whole.

The square is told from the bounds of the face mesh. Its constants are calibrated on the pair of
pictures that comes with the reference, whose crop spans 2.18 widths of its detector's box.
"""

from __future__ import annotations

import warnings
from dataclasses import dataclass, replace

import torch
import torch.nn.functional as F
from torch import Tensor

from ..checks import check_choice, check_range, check_shape
from ..errors import InputError, MagicPortraitWarning
from ..topology import NUM_LANDMARKS, NUM_MESH
from ..types import FaceTrack

CROPS = ("auto", "none")
SIDE = 1.84  #: of the square, in sides of the face
SLIM = 1.17  #: height over width of a face as usual: an open mouth or a turned head is no size
UP = 0.024  #: how far the square's middle lies above the face's, in sides of the square
SCALES = (0.5, 3.0)
MULTIPLE = 8  #: px of the picture that are one of the latent
SIZES = (64, 2048)
_BEYOND = 0.04  #: share of the square outside the picture that is worth a word
_ENLARGED = 2.0  #: and from which enlargement on


@dataclass(frozen=True)
class Framed:
    """A portrait as it is worked on."""

    picture: Tensor  #: (3, h, w) float32 0..1
    from_source: Tensor  #: (3, 3) px of the picture it was cut from -> its px
    face: FaceTrack  #: t = 1, in it

    @property
    def size(self) -> tuple[int, int]:
        """(h, w) px."""
        return self.picture.shape[1], self.picture.shape[2]


def frame_portrait(
    picture: Tensor, face: FaceTrack, crop: str = "auto", scale: float = 1.0, size: int = 512
) -> Framed:
    """Cut a portrait out of its picture.

    Args:
        picture: (3, h, w) float 0..1.
        face: t = 1, tracked in it.
        crop: "auto", the square of :func:`face_square`; "none", the whole picture, of which up to
            7 px a side are cut off to make its sides multiples of 8.
        scale: of the square; above 1 shows more of the surroundings.
        size: px a side that the square is brought to, a multiple of 8.

    Raises InputError for values out of range and a track of another picture. What lies outside
    the picture is filled with its edge, with a warning.
    """
    sizes = check_shape("picture", picture, 3, "h", "w")
    check_choice("crop", crop, CROPS)
    check_range("crop_scale", scale, *SCALES)
    check_range("size", size, *SIZES)
    if size % MULTIPLE:
        raise InputError(f"size must be a multiple of {MULTIPLE}, got {size}")
    if len(face) != 1 or face.frame_size != (sizes["h"], sizes["w"]):
        raise InputError(
            f"the portrait's face must be tracked in its picture of {sizes['w']}x{sizes['h']} px, "
            f"got {len(face)} frames of {face.frame_size[1]}x{face.frame_size[0]} px"
        )
    if crop == "none":
        return _whole(picture, face)
    left, top, side = face_square(face.landmarks[0], scale)
    _warn(left, top, side, size, sizes["h"], sizes["w"])
    part = _padded(picture, left, top, side)
    if side != size:
        part = F.interpolate(part[None], (size, size), mode="bicubic", antialias=True)[0]
    ratio = size / side
    shift = 0.5 * ratio - 0.5
    matrix = torch.tensor(
        [[ratio, 0, shift - left * ratio], [0, ratio, shift - top * ratio], [0, 0, 1]]
    )
    return Framed(part.clamp(0, 1).contiguous(), matrix, moved_face(face, matrix, (size, size)))


def face_square(landmarks: Tensor, scale: float = 1.0) -> tuple[int, int, int]:
    """The square round a head: left, top and side in whole px; it may leave the picture.

    landmarks (478, 2 or 3) px.
    """
    check_shape("landmarks", landmarks, NUM_LANDMARKS, "d")
    mesh = landmarks[:NUM_MESH, :2]
    low, high = mesh.amin(0) - 0.5, mesh.amax(0) + 0.5  # between pixels' edges
    width, height = (high - low).tolist()
    side = max(8, round(SIDE * max(height, SLIM * width) * scale))
    middle = (low + high) / 2 + 0.5
    left, top = (float(v) - side / 2 for v in middle)
    return round(left), round(top - UP * side), side


def moved_face(face: FaceTrack, matrix: Tensor, size: tuple[int, int]) -> FaceTrack:
    """The track as another picture of (h, w) px shows it: matrix (3, 3) scales and moves."""
    scale, shift = float(matrix[0, 0]), matrix[:2, 2]
    flat = face.landmarks[..., :2] * scale + shift
    landmarks = torch.cat([flat, face.landmarks[..., 2:] * scale], -1)
    boxes = face.boxes * scale + torch.cat([shift, shift])
    return replace(face, boxes=boxes, landmarks=landmarks, frame_size=size)


def _whole(picture: Tensor, face: FaceTrack) -> Framed:
    height, width = (side - side % MULTIPLE for side in picture.shape[1:])
    top, left = (picture.shape[1] - height) // 2, (picture.shape[2] - width) // 2
    part = picture[:, top : top + height, left : left + width].contiguous()
    matrix = torch.tensor([[1.0, 0, -left], [0, 1, -top], [0, 0, 1]])
    return Framed(part, matrix, moved_face(face, matrix, (height, width)))


def _padded(picture: Tensor, left: int, top: int, side: int) -> Tensor:
    """(3, side, side) of a picture; outside it its edge goes on."""
    height, width = picture.shape[1:]
    x = torch.arange(left, left + side).clamp(0, width - 1)
    y = torch.arange(top, top + side).clamp(0, height - 1)
    return picture[:, y][:, :, x]


def _warn(left: int, top: int, side: int, size: int, height: int, width: int) -> None:
    beyond = {
        "left": -left,
        "right": left + side - width,
        "top": -top,
        "bottom": top + side - height,
    }
    out = [name for name, px in beyond.items() if px > _BEYOND * side]
    notes = []
    if out:
        notes.append(
            f"the portrait's crop of {side}x{side} px reaches beyond the picture ({', '.join(out)})"
            ", where its edge is repeated: lower crop_scale, or give a picture with more round the "
            "head"
        )
    if size > _ENLARGED * side:
        notes.append(
            f"the portrait's crop is only {side}x{side} px, enlarged to {size}: a picture with a "
            "larger face gives a sharper result"
        )
    for note in notes:
        warnings.warn(note, MagicPortraitWarning, stacklevel=4)
