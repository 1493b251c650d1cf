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
    engine: opt.EngineOption = opt.Engine.auto,
    device: opt.DeviceOption = opt.Device.auto,
    pose: opt.PoseGain = 1.0,
    expression: opt.ExpressionGain = 1.0,
    mouth: opt.MouthGain = 1.0,
    eyes: opt.EyesGain = 1.0,
    brows: opt.BrowsGain = 1.0,
    mode: opt.ModeOption = None,
    neutral_frame: opt.NeutralFrameOption = None,
    mirror: opt.MirrorOption = False,
    face: opt.FaceOption = opt.Face.largest,
    face_index: opt.FaceIndexOption = 0,
    smoothing: opt.SmoothingOption = 0.5,
    fps: opt.FpsOption = None,
    start: opt.StartOption = 0.0,
    end: opt.EndOption = None,
    stride: opt.StrideOption = 1,
    max_frames: opt.MaxFramesOption = None,
    models: opt.ModelsOption = None,
    ray: Annotated[
        bool, typer.Option("--ray", help="Share the jobs out over a Ray cluster.")
    ] = False,
    as_json: opt.JsonOption = False,
) -> None:
    """Reenact each row of a list, all by the same options, those of reenact.

    Outputs that are there already are kept, so it resumes.
    """
    from ..batch import read_jobs, run_jobs
    from ..engines import choose_engine
    from ..preview import MotionSettings
    from ..reenactment import transfer_of

    choice = choose_engine(engine.value, models)
    way = mode.value if mode else "absolute" if choice.name == "diffusion" else "relative"
    settings = MotionSettings(pose, expression, mouth, eyes, brows, way, neutral_frame, mirror)
    if choice.name == "diffusion":
        transfer_of(settings, way)  # what no job could do is refused before the first
    given = {
        "engine": choice.name,
        "device": device.value,
        "models": models,
        "face": opt.face_choice(face, face_index, smoothing),
        "trim": opt.trimming(fps, start, end, stride, max_frames),
    }
    listed, results = read_jobs(jobs), []
    say(f"Engine: {choice.name} ({choice.why}).")
    with watched() as progress:
        progress("jobs", 0, len(listed))
        for result in run_jobs(listed, settings, ray, **given):
            results.append(result)
            progress("jobs", len(results), len(listed))
            say(f"{result.job.output.name}: {result.state} {result.message}")
    if as_json:
        keys = ("output", "state", "message")
        rows = [(str(r.job.output), r.state, r.message) for r in results]
        print_json({"jobs": [dict(zip(keys, row, strict=True)) for row in rows]})
    if any(result.state == "failed" for result in results):
        raise typer.Exit(FAILED)
