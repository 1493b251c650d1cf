"""`magicportrait demo`: the main job without any footage."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from . import options as opt
from .console import print_report, say, watched


def demo(
    output: Annotated[Path, typer.Option("--output", "-o", help="The folder to write to.")] = Path(
        "demo"
    ),
    frames: Annotated[int | None, typer.Option(hidden=True, min=1)] = None,
    as_json: opt.JsonOption = False,
) -> None:
    """Reenact the shipped portrait from a scripted act: a smoke demo, nothing is downloaded."""
    from ..demo import run_demo

    with watched() as progress:
        report = run_demo(output, progress=progress, frames=frames)
    say("Smoke demo: the shipped portrait followed its own scripted act, by the preview engine.")
    print_report(report, as_json)
