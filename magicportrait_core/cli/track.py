"""`magicportrait track`: a face's or a head's motion as a file."""

from __future__ import annotations

from enum import Enum
from pathlib import Path
from typing import Annotated

import typer

from ..errors import InputError
from . import options as opt
from .console import print_report, say_tracker, watched

Tracker = Enum("Tracker", {n: n for n in ("landmarks", *opt.Tracker.__members__)}, type=str)
_HEAD = "Head model"


def track(
    video: Annotated[Path, typer.Argument(help="A clip with a face.")],
    output: Annotated[
        Path, typer.Option("--output", "-o", help="The track to write, .safetensors.")
    ],
    tracker: Annotated[
        Tracker,
        typer.Option(
            help="landmarks: 478 points, for `reenact`. The others give a head track, for `maps`: "
            "deca_smirk is the paper's, landmark_fit fits any head model, auto takes what is here."
        ),
    ] = Tracker.landmarks,
    plot: Annotated[
        Path | None, typer.Option(help="Draw its curves over frames of the clip, .png.")
    ] = None,
    head: opt.HeadOption = "auto",
    models: opt.ModelsOption = None,
    neutral_frame: Annotated[
        int | None,
        typer.Option(
            help="The frame in which the face is at rest, from 0; landmark_fit takes it.",
            rich_help_panel=_HEAD,
        ),
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
    """Follow a face through a clip; `reenact` and `maps` take the track in place of the clip."""
    shared = {
        "face": opt.face_choice(face, face_index, smoothing),
        "trim": opt.trimming(fps, start, end, stride, max_frames),
        "plot": plot,
        "device": device.value,
    }
    if tracker is Tracker.landmarks:
        if (head, neutral_frame) != ("auto", None):
            raise InputError(
                "--head and --neutral-frame are for head tracks: add --tracker auto, or leave them "
                "out."
            )
        from ..pipeline import track as run
    else:
        from ..motion.head_pipeline import track_head as run

        shared |= {"tracker": tracker.value, "head": head, "models": models}
        shared |= {"neutral_frame": neutral_frame}
    with watched() as progress:
        report = run(video, output, progress=progress, **shared)
    say_tracker(report)
    print_report(report, as_json)
