"""`magicportrait track`: a face's motion as a file."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from . import options as opt
from .console import print_report, watched


def track(
    video: Annotated[Path, typer.Argument(help="A clip with a face.")],
    output: Annotated[
        Path, typer.Option("--output", "-o", help="The track to write, .safetensors.")
    ],
    plot: Annotated[
        Path | None, typer.Option(help="Draw its curves over frames of the clip, .png.")
    ] = None,
    face: opt.FaceOption = opt.Face.largest,
    face_index: opt.FaceIndexOption = 0,
    smoothing: opt.SmoothingOption = 0.5,
    fps: opt.FpsOption = None,
    start: opt.StartOption = 0.0,
    end: opt.EndOption = None,
    stride: opt.StrideOption = 1,
    max_frames: opt.MaxFramesOption = None,
    device: opt.DeviceOption = opt.Device.auto,
    as_json: opt.JsonOption = False,
) -> None:
    """Follow a face through a clip; `reenact` takes the track in place of the clip."""
    from .. import pipeline

    with watched() as progress:
        report = pipeline.track(
            video,
            output,
            face=opt.face_choice(face, face_index, smoothing),
            trim=opt.trimming(fps, start, end, stride, max_frames),
            plot=plot,
            device=device.value,
            progress=progress,
        )
    print_report(report, as_json)
