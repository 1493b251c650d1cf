"""Where a crop's frames belong: in the portrait's full picture, or over another clip's face."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import torch
from torch import Tensor

from ..checks import check_range, check_shape
from ..errors import InputError
from ..flame.meshes import HeadMeshes
from ..motion.pipeline import AnyMotion, HeadFiles, motion_mesh, picture_size
from ..render import landmark_mesh
from ..topology import rigid_weights
from ..types import FaceTrack, LandmarkMotion
from .back import Patch
from .masks import covered, feathered, mask_size, soft_mask

#: Margin round the mesh that a mask keeps at 1, of the mesh's width: a head model has the skull but
#: no hair, a face mesh ends at the brow and the cheeks.
GROW_HEAD, GROW_FACE = 0.14, 0.34
#: Where one face goes over another, whose hair and ears stay, the soft edge lies inside the mesh,
#: but for this share of it.
OUTSIDE = 0.3
FEATHERS = (0.0, 0.5)


def portrait_patch(
    motion: AnyMotion,
    head: HeadFiles | None,
    source_size: tuple[int, int],
    target_size: tuple[int, int],
    *,
    feather: float = 0.08,
    mask: Tensor | None = None,
) -> Patch:
    """The place of the crop in the picture it was cut from; the same in every frame.

    Args:
        source_size: (h, w) px of that picture.
        target_size: (h, w) px of what it is put into: the same picture at any resolution.
        feather: width of the soft edge, of the crop's longer side.
        mask: (mh, mw) 0..1 over the crop, 1 shows the frame; None: from geometry, wherever the
            head is at rest and in any frame, and a margin for the hair.

    Raises InputError for a target of another shape than the picture's.
    """
    check_range("feather", feather, *FEATHERS)
    if motion.portrait_from_source is None:
        raise InputError("this track does not say where its portrait was cut from: track it again")
    size = picture_size(motion)
    back = torch.linalg.inv(motion.portrait_from_source.double())
    matrix = _resized(source_size, target_size) @ back
    if mask is None:
        mask = _swept(motion, head, feather, _open_edges(matrix, size, target_size))
    else:
        mask = _own(mask, feather)
    return Patch(matrix, size, mask)


def face_patches(
    result: FaceTrack, target: FaceTrack, *, feather: float = 0.08, mask: Tensor | None = None
) -> Callable[[int], Patch]:
    """The face of a result over the face of a clip, frame by frame.

    Args:
        result: tracked in the frames that are pasted.
        target: tracked in the clip they go to, as many frames.
        feather: width of the soft edge, of the frames' longer side.
        mask: as in :func:`portrait_patch`; None: the face mesh.

    Each frame is turned, scaled and moved so that the skull's points meet, by least squares.
    """
    check_range("feather", feather, *FEATHERS)
    if len(result) != len(target):
        raise InputError(
            f"the target's face track has {len(target)} frames, the frames to paste are "
            f"{len(result)}: wire the track of the target clip, cut as the driver was"
        )
    matrices = similarities(result.landmarks[..., :2], target.landmarks[..., :2], rigid_weights())
    own = None if mask is None else _own(mask, feather)
    mesh, size = landmark_mesh(result), result.frame_size

    def patch(i: int) -> Patch:
        shown = own
        if shown is None:
            inside = covered(mesh, size, [i])
            soft = feather * max(inside.shape)
            shown = soft_mask(inside, (OUTSIDE - 1) * soft, soft)
        return Patch(matrices[i], size, shown)

    return patch


def with_masks(
    patch: Patch | Callable[[int], Patch], masks: Tensor, feather: float
) -> Callable[[int], Patch]:
    """Patches whose masks change from frame to frame: (t, mh, mw) 0..1, as ``mask`` elsewhere."""

    def changed(i: int) -> Patch:
        place = patch if isinstance(patch, Patch) else patch(i)
        return replace(place, mask=_own(masks[i], feather))

    return changed


def similarities(source: Tensor, to: Tensor, weights: Tensor) -> Tensor:
    """(t, 3, 3) turn, scale and shift that bring (t, k, 2) nearest to (t, k, 2), least squares.

    weights (k,). As complex numbers the best turn and scale is the ratio of two sums.
    """
    check_shape("weights", weights, source.shape[1])
    w = weights.double() / weights.double().sum()
    a, b = (torch.view_as_complex(p.double().contiguous()) for p in (source, to))
    mean_a, mean_b = (a * w).sum(1), (b * w).sum(1)
    a, b = a - mean_a[:, None], b - mean_b[:, None]
    turn = (w * b * a.conj()).sum(1) / (w * a.abs().square()).sum(1).clamp(min=1e-9)
    shift = mean_b - turn * mean_a
    zero, one = torch.zeros_like(turn.real), torch.ones_like(turn.real)
    rows = (turn.real, -turn.imag, shift.real, turn.imag, turn.real, shift.imag, zero, zero, one)
    return torch.stack(rows, -1).reshape(-1, 3, 3)


def _resized(size: tuple[int, int], to: tuple[int, int]) -> Tensor:
    """(3, 3) px of a picture of (h, w) -> px of the same at another resolution."""
    (height, width), (high, wide) = size, to
    if abs(wide - high * width / height) > 1 and abs(high - wide * height / width) > 1:
        raise InputError(
            f"the target is {wide}x{high} px, the picture the crop was cut from {width}x{height}: "
            "give that picture, or the same enlarged"
        )
    x, y = wide / width, high / height
    return torch.tensor([[x, 0, x / 2 - 0.5], [0, y, y / 2 - 0.5], [0, 0, 1]], dtype=torch.float64)


def _open_edges(matrix: Tensor, size: tuple[int, int], target: tuple[int, int]) -> list[bool]:
    """left, top, right, bottom: whether the crop reaches the target's own edge there."""
    (h, w), (height, width) = size, target
    low = matrix @ torch.tensor([-0.5, -0.5, 1], dtype=torch.float64)
    high = matrix @ torch.tensor([w - 0.5, h - 0.5, 1], dtype=torch.float64)
    near = 0.51
    return [
        *(float(low[i]) <= -0.5 + near for i in (0, 1)),
        *(float(high[i]) >= side - 0.5 - near for i, side in ((0, width), (1, height))),
    ]


def _swept(
    motion: AnyMotion, head: HeadFiles | None, feather: float, open_edges: list[bool]
) -> Tensor:
    size = picture_size(motion)
    if isinstance(motion, LandmarkMotion):
        rest, grow = landmark_mesh(motion.portrait), GROW_FACE
    else:
        rest, grow = HeadMeshes(motion.portrait, head.head), GROW_HEAD
    still = covered(rest, size)
    inside = still | covered(motion_mesh(motion, head), size)
    return soft_mask(inside, grow * _width(still), feather * max(mask_size(size)), open_edges)


def _width(inside: Tensor) -> int:
    """Px of the mask that a covered part is wide."""
    columns = inside.any(0).nonzero()[:, 0]
    return int(columns[-1] - columns[0]) + 1 if len(columns) else 0


def _own(mask: Tensor, feather: float) -> Tensor:
    check_shape("mask", mask, "mh", "mw")
    return feathered(mask.float().cpu(), feather * max(mask.shape))
