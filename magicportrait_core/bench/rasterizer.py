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
from .measure import per_frame

SIDE = 512  #: px
CHUNK = 4  #: frames handed over at once
#: Frames that slow backends are given, whatever is asked for: they take seconds each.
FEW = {"plain": 1, "pytorch3d": 1}


def bench_rasterizer(frames: int = 48, progress: Progress = no_progress) -> dict[str, Any]:
    """Rasterise a head made by the tool itself, on one thread.

    Returns:
        `measure.per_frame`'s figures of the default backend, and ``backends``: those of each one
        that is installed, the default's first. peak_mb never falls from one to the next: it is the
        process's. ``plain_over_torch`` is how many times as much CPU time the slow twin takes, and
        ``pytorch3d_over_torch`` PyTorch3D where it is installed.
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


def summary(backends: dict[str, dict[str, float]]) -> dict[str, Any]:
    """The default's figures, all backends', and how many times as much the slow ones take."""
    default = next(iter(backends))
    base = backends[default]["cpu_ms_per_frame"]
    ratios = {
        f"{name}_over_{default}": round(backends[name]["cpu_ms_per_frame"] / base, 1)
        for name in FEW
        if name in backends
    }
    return {**backends[default], "backend": default, **ratios, "backends": backends}


def _rasterize(ndc: Tensor, faces: Tensor, backend: str) -> None:
    with torch.inference_mode():
        for part in ndc.split(CHUNK):
            rasterize(part, faces, SIDE, SIDE, backend)
