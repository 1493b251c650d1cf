"""`magicportrait bench`: what tracking and drawing cost on this machine."""

from __future__ import annotations

from enum import Enum
from typing import Annotated

import typer

from . import options as opt
from .console import print_json, watched

Subject = Enum("Subject", {"track": "track", "preview": "preview"}, type=str)


def bench(
    subject: Annotated[Subject, typer.Argument(help="What to time.")],
    frames: Annotated[int, typer.Option(min=1, help="Of the clip at 512x512 px.")] = 100,
    as_json: opt.JsonOption = False,
) -> None:
    """Time a frame of tracking, or of drawing and encoding, beside a matrix product."""
    if subject is Subject.track:
        from ..bench.track import bench_track as run
    else:
        from ..bench.preview import bench_preview as run

    with watched() as progress:
        figures = run(frames, progress=progress)
    if as_json:
        print_json(figures)
        return
    for name, value in figures.items():
        print(f"{name:<18} {value:g}")
