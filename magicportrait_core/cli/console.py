"""What a command says while it runs, on stderr, and what it reports, on stdout."""

from __future__ import annotations

import json
import sys
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

from rich.console import Console
from rich.progress import (
    BarColumn,
    MofNCompleteColumn,
    Progress,
    TextColumn,
    TimeElapsedColumn,
    TimeRemainingColumn,
)

from ..errors import MagicPortraitWarning

if TYPE_CHECKING:
    from ..report import Report
    from ..types import Progress as Callback


BAD_INPUT = 2  #: exit status


def say(line: str) -> None:
    """One line on stderr."""
    print(" ".join(line.split()), file=sys.stderr)


def print_json(values: dict) -> None:
    """The machine-readable report: all that stdout gets."""
    print(json.dumps(values, indent=2))


@contextmanager
def watched() -> Iterator[Callback]:
    """Yield a progress callback that draws a bar for each stage; warnings become single lines.

    Bars are drawn on a terminal only.
    """
    console = Console(stderr=True)
    columns = (
        TextColumn("{task.description:<18}"),
        BarColumn(),
        MofNCompleteColumn(),
        TimeElapsedColumn(),
        TextColumn("left"),
        TimeRemainingColumn(),
    )
    bars = Progress(*columns, console=console, disable=not console.is_terminal)
    stages: dict[str, int] = {}

    def advance(stage: str, done: int, total: int) -> None:
        if stage not in stages or (done == 0 and bars.tasks[stages[stage]].finished):
            stages[stage] = bars.add_task(stage, total=total)
        bars.update(stages[stage], completed=done, total=total)

    with _warnings_as_lines(console), bars:
        yield advance


@contextmanager
def _warnings_as_lines(console: Console) -> Iterator[None]:
    with warnings.catch_warnings():
        warnings.simplefilter("always", MagicPortraitWarning)
        show = warnings.showwarning

        def line(message, category, *where, **more):
            if issubclass(category, MagicPortraitWarning):
                text = " ".join(f"Warning: {message}".split())
                console.print(text, style="yellow", markup=False, highlight=False, soft_wrap=True)
            else:
                show(message, category, *where, **more)

        warnings.showwarning = line
        yield


def print_report(report: Report, as_json: bool) -> None:
    """What was written, in how long: a line for people or JSON for programs."""
    if as_json:
        print_json(report_values(report))
        return
    height, width = report.size
    total = sum(report.seconds.values())
    kind = "picture"
    if report.fps is not None:
        seconds = report.frames / report.fps
        kind = f"{report.frames} frames, {float(seconds):.2f} s at {float(report.fps):.6g} fps"
    print(f"{report.output}: {kind}, {width}x{height} px, made in {total:.1f} s")
    for path in report.more:
        print(path)


def say_tracker(report: Report) -> None:
    """Which tracker looked at a head, why, and on which head model."""
    if report.tracker is not None:
        head = f"; head model: {report.head}" if report.head else ""
        say(f"Tracker: {report.tracker.name} ({report.tracker.why}){head}.")


def say_weights(report: Report) -> None:
    """Which files the diffusion models came from, and what they computed in."""
    if report.weights:
        files = ", ".join(str(one) for one in report.weights)
        say(f"Weights: {files}; computed in {report.dtype}.")


def report_values(report: Report) -> dict:
    """A report as plain values."""
    height, width = report.size
    return {
        "output": str(report.output),
        "more": [str(path) for path in report.more],
        "engine": report.engine and report.engine.name,
        "why": report.engine and report.engine.why,
        "tracker": report.tracker and report.tracker.name,
        "tracker_why": report.tracker and report.tracker.why,
        "head": report.head,
        "notes": list(report.notes),
        "weights": [
            {"file": one.file, "dtype": one.dtype, "parts": list(one.parts)}
            for one in report.weights
        ],
        "dtype": report.dtype,
        "frames": report.frames,
        "lost_frames": report.lost_frames,
        "fps": None if report.fps is None else float(report.fps),
        "fps_exact": None if report.fps is None else str(report.fps),
        "width": width,
        "height": height,
        "seconds": {stage: round(value, 3) for stage, value in report.seconds.items()},
        "warnings": list(report.warnings),
    }
