"""`magicportrait bench`: what each part of the work costs on this machine."""

from __future__ import annotations

from enum import Enum
from importlib import import_module
from typing import Annotated

import typer

from ..errors import InputError
from . import options as opt
from .console import print_json, watched

SUBJECTS = ("track", "preview", "flame", "rasterizer", "maps", "denoise")
Subject = Enum("Subject", {name: name for name in SUBJECTS}, type=str)
Dtype = Enum("Dtype", {n: n for n in ("float32", "bfloat16", "float16")}, type=str)
_COLUMNS = (
    "cpu_ms_per_frame",
    "wall_ms_per_frame",
    "cpu_s_per_forward",
    "wall_s_per_forward",
    "scaled_cpu_s",
    "peak_mb",
    "gpu_peak_mb",
    "frames",
    "threads",
)
_DENOISE = "Of denoise"


def bench(
    subject: Annotated[Subject, typer.Argument(help="What to time.")],
    frames: Annotated[
        int | None,
        typer.Option(min=1, help="That are timed, at 512x512 px; else as many as suit."),
    ] = None,
    size: Annotated[
        int | None, typer.Option(help="Pixels of a side; else 256.", rich_help_panel=_DENOISE)
    ] = None,
    dtype: Annotated[
        Dtype | None, typer.Option(help="Else float32.", rich_help_panel=_DENOISE)
    ] = None,
    threads: Annotated[
        int | None, typer.Option(help="Else all cores.", rich_help_panel=_DENOISE)
    ] = None,
    device: Annotated[
        opt.Device | None, typer.Option(help="Else the CPU.", rich_help_panel=_DENOISE)
    ] = None,
    compiled: Annotated[
        bool, typer.Option("--compile", help="Compiled too.", rich_help_panel=_DENOISE)
    ] = False,
    as_json: opt.JsonOption = False,
) -> None:
    """Time a frame with each way there is to do the work, beside a matrix product.

    Of denoise, one prediction of a window of --frames frames.
    """
    name = subject.value
    run = getattr(import_module(f"..bench.{name}", __package__), f"bench_{name}")
    chosen = {
        "frames": frames,
        "size": size,
        "dtype": None if dtype is None else dtype.value,
        "threads": threads,
        "device": None if device is None else device.value,
        "compiled": compiled or None,
    }
    given = {option: value for option, value in chosen.items() if value is not None}
    if name != "denoise" and (beyond := given.keys() - {"frames"}):
        option = min(beyond).replace("compiled", "compile")
        raise InputError(f"--{option} is of `bench denoise`: leave it out for {name}.")
    with watched() as progress:
        figures = run(progress=progress, **given)
    if as_json:
        print_json(figures)
        return
    for line in table(figures):
        print(line)


def table(figures: dict) -> list[str]:
    """What a bench found, a line for each backend, the default's first."""
    columns = [column for column in _COLUMNS if column in figures]
    rows = [("", *columns, "times")]
    for name, found in figures["backends"].items():
        times = figures["ratio"].get(name, 1)
        rows.append((name, *(f"{found[column]:g}" for column in columns), f"{times:g}"))
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    lines = [
        "  ".join(
            cell.rjust(width) if i else cell.ljust(width)
            for i, (cell, width) in enumerate(zip(row, widths, strict=True))
        )
        for row in rows
    ]
    return [*lines, f"matmul_s {figures['matmul_s']:g}: float32 2048x2048 on as many threads"]
