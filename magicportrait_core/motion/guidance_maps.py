"""Geometry maps as the guidance encoders were trained to see them."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor

from ..render.quantise import quantised
from ..types import GeometryMaps


def encoder_maps(maps: GeometryMaps, frames: Sequence[int]) -> dict[str, Tensor]:
    """Kind -> (n, 3, h, w) in 0..1 of these frames.

    The negative parts of normals are cut, for the model was trained on that. In mode parity they
    are rounded to 8 bits, as they come back from the reference's files.
    """
    batch = maps.frames(frames)
    if maps.mode == "parity":
        batch = quantised(batch)
    depth = batch.depth.expand(-1, 3, -1, -1)
    return {
        kind: value.clamp(0, 1).to(torch.float32)
        for kind, value in (("depth", depth), ("normal", batch.normal), ("render", batch.render))
    }
