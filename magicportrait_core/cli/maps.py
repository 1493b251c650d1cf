"""`magicportrait maps`: depth, normal and shaded render of a track."""

from __future__ import annotations

from enum import Enum
from pathlib import Path
from typing import Annotated

import typer

from . import options as opt
from .console import print_report, say_tracker, watched

MapsMode = Enum("MapsMode", {"stable": "stable", "parity": "parity"}, type=str)
DepthRange = Enum("DepthRange", {"frame": "frame", "clip": "clip"}, type=str)
Mode = Enum("TransferMode", {"absolute": "absolute", "relative": "relative"}, type=str)
Pivot = Enum("Pivot", {"root": "root", "head": "head"}, type=str)
Backend = Enum(
    "Backend", {n: n for n in ("auto", "torch", "numba", "pytorch3d", "plain")}, type=str
)
_MOTION, _MAPS, _FILES = "How the portrait moves", "The maps", "What is written"

Gain = float | None


def _gain(what: str, own: int):
    return typer.Option(
        help=f"Gain of {what}, -4 to 4; {own} where it is left out.", rich_help_panel=_MOTION
    )


def maps(
    track: Annotated[
        Path,
        typer.Argument(
            help="A head track or a landmark track made by `track`, key frames (.json, .csv), or "
            "a motion made by --save-motion."
        ),
    ],
    output: Annotated[
        Path, typer.Option("--output", "-o", help="The film to write, .mp4, .mov or .mkv.")
    ],
    portrait: Annotated[
        Path | None,
        typer.Argument(help="A picture whose head wears the motion; else the driver's own head."),
    ] = None,
    driving: Annotated[
        Path | None,
        typer.Option(help="The clip of the track: it and the mesh over it stand beside the maps."),
    ] = None,
    tracker: Annotated[
        opt.Tracker, typer.Option(help="That looks at the portrait; auto is the track's own.")
    ] = opt.Tracker.auto,
    head: opt.HeadOption = "auto",
    models: opt.ModelsOption = None,
    mode: Annotated[
        Mode | None,
        typer.Option(
            help="absolute takes the driver's values, as the paper; relative its change since its "
            "neutral frame. absolute where it is left out.",
            rich_help_panel=_MOTION,
        ),
    ] = None,
    neutral_frame: Annotated[
        int | None,
        typer.Option(
            help="The driver's frame at rest, from 0; else one is chosen.", rich_help_panel=_MOTION
        ),
    ] = None,
    expression: Annotated[Gain, _gain("the expression", 1)] = None,
    jaw: Annotated[Gain, _gain("the jaw", 1)] = None,
    eyelids: Annotated[Gain, _gain("blinks", 1)] = None,
    yaw: Annotated[Gain, _gain("turns", 1)] = None,
    pitch: Annotated[Gain, _gain("nods", 1)] = None,
    roll: Annotated[Gain, _gain("leaning aside", 1)] = None,
    gaze: Annotated[Gain, _gain("the eyes' turns", 0)] = None,
    neck: Annotated[Gain, _gain("the neck's turns", 0)] = None,
    translation: Annotated[Gain, _gain("the head's way through the picture", 0)] = None,
    pivot: Annotated[
        Pivot | None,
        typer.Option(
            help="What stays in place as the head turns: the head model's root, as in the paper, "
            "or the head. root where it is left out.",
            rich_help_panel=_MOTION,
        ),
    ] = None,
    maps_mode: Annotated[
        MapsMode,
        typer.Option(
            help="parity is the paper's; stable the same without flicker of the depths.",
            rich_help_panel=_MAPS,
        ),
    ] = MapsMode.stable,
    depth_range: Annotated[
        DepthRange,
        typer.Option(
            help="Depths fill 0..1 in each frame, as the paper has them, or over the clip, as "
            "ControlNets want them.",
            rich_help_panel=_MAPS,
        ),
    ] = DepthRange.frame,
    size: Annotated[
        int, typer.Option(help="Px, most of the longer side of a map.", rich_help_panel=_MAPS)
    ] = 768,
    backend: Annotated[
        Backend, typer.Option(help="What rasterises; auto is torch.", rich_help_panel=_MAPS)
    ] = Backend.auto,
    separate: Annotated[
        bool,
        typer.Option(
            "--separate",
            help="Also write maps_depth.mp4, maps_normal.mp4, maps_render.mp4 and maps_mask.mp4.",
            rich_help_panel=_FILES,
        ),
    ] = False,
    save_motion: Annotated[
        Path | None,
        typer.Option(
            help="Also write portrait, driver and settings as one .safetensors.",
            rich_help_panel=_FILES,
        ),
    ] = None,
    codec: opt.CodecOption = opt.Codec.h264,
    device: opt.DeviceOption = opt.Device.auto,
    fps: opt.FpsOption = None,
    start: opt.StartOption = 0.0,
    end: opt.EndOption = None,
    stride: opt.StrideOption = 1,
    max_frames: opt.MaxFramesOption = None,
    as_json: opt.JsonOption = False,
) -> None:
    """Write depth, normals and a shaded render of a tracked head as a film."""
    from ..motion.head_pipeline import MapSettings, write_maps

    given = {
        "expression": expression, "jaw": jaw, "eyelids": eyelids, "yaw": yaw, "pitch": pitch,
        "roll": roll, "gaze": gaze, "neck": neck, "translation": translation,
        "mode": mode and mode.value, "pivot": pivot and pivot.value,
        "neutral_frame": neutral_frame,
    }  # fmt: skip
    look = MapSettings(maps_mode.value, depth_range.value, size, backend.value)
    with watched() as progress:
        report = write_maps(
            track,
            portrait,
            output,
            driving=driving,
            trim=opt.trimming(fps, start, end, stride, max_frames),
            settings={name: value for name, value in given.items() if value is not None},
            tracker=tracker.value,
            head=head,
            models=models,
            look=look,
            codec=codec.value,
            separate=separate,
            motion=save_motion,
            device=device.value,
            progress=progress,
        )
    say_tracker(report)
    print_report(report, as_json)
