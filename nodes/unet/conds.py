"""What Face Motion Fusion tells the MODEL, on its way through the host's CONDITIONING.

It travels as one object: the host would cut a tensor to the first frames and copy it for each
chunk of a batch.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import comfy.conds
import torch
from torch import Tensor

from ...magicportrait_core.types import ChunkCondition, MotionGuidance, ReferenceCondition

KEY = "magicportrait"  #: in a CONDITIONING's dict, in a cond's model_conds, in a LATENT


@dataclass(frozen=True, eq=False)
class FaceCondition:
    """The motion, and how the portrait looks."""

    guidance: MotionGuidance
    reference: ReferenceCondition | None  #: None: the negative's
    size: tuple[int, int]  #: rows, columns of the latents

    @property
    def frames(self) -> int:
        return len(self.guidance)


@dataclass(frozen=True, eq=False)
class Told:
    """A FaceCondition as one chunk of a batch is told it."""

    face: FaceCondition
    one_text: bool  #: whether all frames read the same text
    area: tuple[int, ...] | None = None  #: rows, columns, top, left of the part of the latents


class CondFace(comfy.conds.CONDRegular):
    """The host's wrapper: nothing is copied or cut, a batch gets a list with one for each chunk."""

    cond: Told

    def process_cond(self, batch_size, area=None, **_):
        return self if area is None else CondFace(replace(self.cond, area=tuple(area)))

    def can_concat(self, other) -> bool:
        return True

    def concat(self, others) -> list[Told]:
        return [self.cond, *(other.cond for other in others)]

    def size(self) -> list[int]:
        return [1]


def attach_face(conditioning: list, face: FaceCondition, **more) -> list:
    """The CONDITIONING with the face in each of its parts."""
    return [[tensor, {**values, KEY: face, **more}] for tensor, values in conditioning]


def chunk_conditions(
    told: list[Told], frames: list[int] | None, device: torch.device, dtype: torch.dtype
) -> list[ChunkCondition]:
    """What the UNet is told of these frames (None: all of them), where it computes.

    Features are fetched once where chunks share them, so that the UNet sees that they are shared.
    """
    fetched: dict[tuple, Tensor] = {}
    chunks = []
    for one in told:
        face = one.face
        key = (id(face.guidance), one.area)
        if key not in fetched:
            wanted = range(face.frames) if frames is None else frames
            part = face.guidance.frames(wanted)
            if one.area is not None:
                rows, columns, top, left = one.area
                part = part[..., top : top + rows, left : left + columns]
            fetched[key] = part.to(device=device, dtype=dtype)
        chunks.append(ChunkCondition(fetched[key], face.reference))
    return chunks
