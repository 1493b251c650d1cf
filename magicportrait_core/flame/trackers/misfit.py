"""How far a track's head lies from the landmarks it was fitted to, as the head will be drawn."""

from __future__ import annotations

import torch

from ...types import FaceTrack, HeadTrack
from ..head_model import HeadModel
from ..landmarks import points_on_faces
from ..motion.placing import in_frame
from ..registration.registration import Registration

LOOKED_AT = 16  #: frames, evenly over those with a face


def misfit(head: HeadModel, laid: Registration, track: HeadTrack, faces: FaceTrack) -> float:
    """Median over frames of the mean distance of a landmark from its point, in face widths.

    The head is put where the track's own camera puts it, so that what drawing would show is told
    too, not the fit's own residuals alone.

    Args:
        laid: which landmark is which point of the head.
        track: of ``faces``, with t frames as they are there; at least one has a face.
    """
    known = faces.valid.nonzero()[:, 0]
    rows = known[torch.linspace(0, len(known) - 1, min(LOOKED_AT, len(known))).round().long()]
    part = track[rows]
    points = points_on_faces(head.vertices(part.params), head.faces, laid.embedding)
    seen = faces.landmarks[rows[:, None], laid.indices, :2]
    size = (faces.boxes[rows, 2:] - faces.boxes[rows, :2]).amax(1).clamp(min=1)
    return float(((in_frame(points, part) - seen).norm(dim=-1).mean(1) / size).median())
