"""`magicportrait batch`: many portraits, many drivers."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from . import options as opt
from .console import print_json, say, watched

FAILED = 1


def batch(
    jobs: Annotated[Path, typer.Argument(help="A CSV with the columns portrait, driving, output.")],
    mode: Annotated[opt.Mode, typer.Option(help="As for reenact.")] = opt.Mode.relative,
    engine: Annotated[
        opt.Engine, typer.Option(help="As for reenact; auto takes the best that is installed.")
    ] = opt.Engine.preview,
    ray: Annotated[
        bool, typer.Option("--ray", help="Share the jobs out over a Ray cluster.")
    ] = False,
    as_json: opt.JsonOption = False,
) -> None:
    """Reenact each row of a list; outputs that are there already are kept, so it resumes."""
    from ..batch import read_jobs, run_jobs
    from ..preview import MotionSettings

    listed, results = read_jobs(jobs), []
    with watched() as progress:
        progress("jobs", 0, len(listed))
        for result in run_jobs(listed, MotionSettings(mode=mode.value), ray, engine.value):
            results.append(result)
            progress("jobs", len(results), len(listed))
            say(f"{result.job.output.name}: {result.state} {result.message}")
    if as_json:
        keys = ("output", "state", "message")
        rows = [(str(r.job.output), r.state, r.message) for r in results]
        print_json({"jobs": [dict(zip(keys, row, strict=True)) for row in rows]})
    if any(result.state == "failed" for result in results):
        raise typer.Exit(FAILED)
