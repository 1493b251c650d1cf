"""The cost of rasterising 9,976 faces at 512x512, with each backend that is installed."""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor

from ..render.camera import to_ndc
from ..render.rasterizer import installed_backends, rasterize
from ..threads import one_thread
from ..types import Progress, no_progress
from .head_mesh import SwayingHead
from .measure import per_frame, summary

SIDE = 512  #: px
CHUNK = 4  #: frames handed over at once
#: Frames that slow backends are given, whatever is asked for: they take seconds each.
FEW = {"plain": 1, "pytorch3d": 1}


def bench_rasterizer(frames: int = 48, progress: Progress = no_progress) -> dict[str, Any]:
    """Rasterise a head made by the tool itself, on one thread.

    Every backend that is installed is timed. See `measure.summary` for what is returned.
    """
    head = SwayingHead(frames)
    with one_thread():
        ndc = to_ndc(head.meshes(range(frames), SIDE, SIDE).screen, SIDE, SIDE)
        names = installed_backends()
        found = {}
        for done, name in enumerate(names):
            progress("timing rasterisers", done, len(names))
            some = ndc[: FEW.get(name, frames)]
            if name not in FEW:
                _rasterize(some[:CHUNK], head.faces, name)  # compiles, and warms up memory
            found[name] = per_frame(lambda s=some, b=name: _rasterize(s, head.faces, b), len(some))
        progress("timing rasterisers", len(names), len(names))
    return summary(found)


def _rasterize(ndc: Tensor, faces: Tensor, backend: str) -> None:
    with torch.inference_mode():
        for part in ndc.split(CHUNK):
            rasterize(part, faces, SIDE, SIDE, backend)
