"""`magicportrait bench`: what each part of the work costs on this machine."""

from __future__ import annotations

from enum import Enum
from importlib import import_module
from typing import Annotated

import typer

from . import options as opt
from .console import print_json, watched

SUBJECTS = ("track", "preview", "flame", "rasterizer", "maps")
Subject = Enum("Subject", {name: name for name in SUBJECTS}, type=str)
_COLUMNS = ("cpu_ms_per_frame", "wall_ms_per_frame", "peak_mb", "frames", "threads")


def bench(
    subject: Annotated[Subject, typer.Argument(help="What to time.")],
    frames: Annotated[
        int | None,
        typer.Option(min=1, help="That are timed, at 512x512 px; else as many as suit."),
    ] = None,
    as_json: opt.JsonOption = False,
) -> None:
    """Time a frame with each way there is to do the work, beside a matrix product."""
    name = subject.value
    run = getattr(import_module(f"..bench.{name}", __package__), f"bench_{name}")
    with watched() as progress:
        figures = run(progress=progress) if frames is None else run(frames, progress=progress)
    if as_json:
        print_json(figures)
        return
    for line in table(figures):
        print(line)


def table(figures: dict) -> list[str]:
    """What a bench found, a line for each backend, the default's first."""
    rows = [("", *_COLUMNS, "times")]
    for name, found in figures["backends"].items():
        times = figures["ratio"].get(name, 1)
        rows.append((name, *(f"{found[column]:g}" for column in _COLUMNS), f"{times:g}"))
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    lines = [
        "  ".join(
            cell.rjust(width) if i else cell.ljust(width)
            for i, (cell, width) in enumerate(zip(row, widths, strict=True))
        )
        for row in rows
    ]
    return [*lines, f"matmul_s {figures['matmul_s']:g}: float32 2048x2048 on as many threads"]
