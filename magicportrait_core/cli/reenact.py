"""`magicportrait reenact`: the main job."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from . import options as opt
from .console import print_report, say, watched

_MOTION = "How it moves"


def _gain(what: str):
    return typer.Option(help=f"Gain of {what}, 0 to 2.", rich_help_panel=_MOTION)


def reenact(
    portrait: opt.PortraitArgument,
    driving: Annotated[
        Path,
        typer.Argument(
            help="A clip with a face: video, GIF, animated WebP, folder of pictures; or a "
            "track.safetensors made by `track`, which has no sound."
        ),
    ],
    output: Annotated[
        Path, typer.Option("--output", "-o", help="The clip to write, .mp4, .mov or .mkv.")
    ],
    engine: Annotated[
        opt.Engine, typer.Option(help="auto takes the best that is installed.")
    ] = opt.Engine.auto,
    codec: opt.CodecOption = opt.Codec.h264,
    device: opt.DeviceOption = opt.Device.auto,
    pose: Annotated[float, _gain("head turns and nods")] = 1.0,
    expression: Annotated[float, _gain("all of the face")] = 1.0,
    mouth: Annotated[float, _gain("the mouth, on top of expression")] = 1.0,
    eyes: Annotated[float, _gain("the lids, on top of expression")] = 1.0,
    brows: Annotated[float, _gain("the brows, on top of expression")] = 1.0,
    mode: Annotated[
        opt.Mode,
        typer.Option(
            help="relative adds the driver's change from its neutral frame; absolute_mouth opens "
            "and closes the mouth as far as the driver; absolute takes pose and lids, too.",
            rich_help_panel=_MOTION,
        ),
    ] = opt.Mode.relative,
    neutral_frame: Annotated[
        int | None,
        typer.Option(
            help="The driver's frame at rest, from 0; else one is chosen.", rich_help_panel=_MOTION
        ),
    ] = None,
    mirror: Annotated[
        bool, typer.Option("--mirror", help="Swap left and right.", rich_help_panel=_MOTION)
    ] = False,
    face: opt.FaceOption = opt.Face.largest,
    face_index: opt.FaceIndexOption = 0,
    smoothing: opt.SmoothingOption = 0.5,
    fps: opt.FpsOption = None,
    start: opt.StartOption = 0.0,
    end: opt.EndOption = None,
    stride: opt.StrideOption = 1,
    max_frames: opt.MaxFramesOption = None,
    as_json: opt.JsonOption = False,
) -> None:
    """Write the portrait moving as the face in the driving clip moves, with the clip's sound."""
    from .. import pipeline
    from ..preview import MotionSettings

    settings = MotionSettings(
        pose, expression, mouth, eyes, brows, mode.value, neutral_frame, mirror
    )
    with watched() as progress:
        report = pipeline.reenact(
            portrait,
            driving,
            output,
            settings=settings,
            engine=engine.value,
            face=opt.face_choice(face, face_index, smoothing),
            trim=opt.trimming(fps, start, end, stride, max_frames),
            codec=codec.value,
            device=device.value,
            progress=progress,
        )
    say(f"Engine: {report.engine.name} ({report.engine.why}).")
    print_report(report, as_json)
