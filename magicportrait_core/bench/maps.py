"""The cost of depth, normal and shaded maps of 9,976 faces at 512x512, rasterising included."""

from __future__ import annotations

from typing import Any

from ..render import render_maps
from ..render.rasterizer import installed_backends
from ..threads import one_thread
from ..types import Progress, no_progress
from .head_mesh import SwayingHead
from .measure import per_frame, summary
from .rasterizer import CHUNK, FEW, SIDE


def bench_maps(frames: int = 48, progress: Progress = no_progress) -> dict[str, Any]:
    """Render all maps of a head made by the tool itself, in mode stable, on one thread.

    Posing the mesh, once for its depth range and once to draw it, is part of the work. Every
    backend that is installed is timed. See `measure.summary` for what is returned.
    """
    with one_thread():
        names = installed_backends()
        found = {}
        for done, name in enumerate(names):
            progress("timing maps", done, len(names))
            count = FEW.get(name, frames)
            if name not in FEW:
                _render(CHUNK, name)  # compiles, and warms up memory
            found[name] = per_frame(lambda c=count, b=name: _render(c, b), count)
        progress("timing maps", len(names), len(names))
    return summary(found)


def _render(frames: int, backend: str) -> None:
    maps = render_maps(SwayingHead(frames), SIDE, SIDE, backend=backend)
    for start in range(0, frames, CHUNK):
        maps.frames(range(start, min(start + CHUNK, frames)))
