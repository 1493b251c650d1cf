"""Options that several commands share. Ranges are checked by the core, which says what is wrong."""

from __future__ import annotations

from enum import Enum
from fractions import Fraction
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from ..errors import InputError

if TYPE_CHECKING:
    from ..drivers import FaceChoice, Trimming

Engine = Enum("Engine", {name: name for name in ("auto", "diffusion", "preview")}, type=str)
Face = Enum("Face", {name: name for name in ("largest", "left_to_right", "index")}, type=str)
Mode = Enum("Mode", {name: name for name in ("relative", "absolute_mouth", "absolute")}, type=str)
Device = Enum("Device", {name: name for name in ("auto", "cpu", "cuda")}, type=str)
Tracker = Enum("Tracker", {name: name for name in ("auto", "deca_smirk", "landmark_fit")}, type=str)
Codec = Enum("Codec", {name: name for name in ("h264", "prores", "ffv1")}, type=str)

_FACE, _TRIM, _HEAD = "Which face", "Which part of the clip", "Head model"
_MOTION = "How it moves"


def _gain(what: str):
    return typer.Option(help=f"Gain of {what}, 0 to 2.", rich_help_panel=_MOTION)


PortraitArgument = Annotated[Path, typer.Argument(help="A picture with a face.")]
JsonOption = Annotated[
    bool, typer.Option("--json", help="Print a machine-readable report, and nothing else.")
]
DeviceOption = Annotated[
    Device, typer.Option(help="Where it runs; auto takes CUDA where there is any.")
]
ModelsOption = Annotated[
    Path | None,
    typer.Option(
        "--models",
        help="The models folder; else $MAGICPORTRAIT_MODELS, ComfyUI's, or one of the user's.",
    ),
]
HeadOption = Annotated[
    str,
    typer.Option(
        help="flame2020_generic, gnm_head ...; auto takes what suits.", rich_help_panel=_HEAD
    ),
]
CodecOption = Annotated[
    Codec, typer.Option(help="h264 is written to .mp4, prores to .mov, ffv1 (lossless) to .mkv.")
]
EngineOption = Annotated[
    Engine,
    typer.Option(help="auto takes diffusion where its weights are all there, else preview."),
]
PoseGain = Annotated[float, _gain("head turns and nods")]
ExpressionGain = Annotated[float, _gain("all of the face")]
MouthGain = Annotated[float, _gain("the mouth, on top of expression")]
EyesGain = Annotated[float, _gain("the lids, on top of expression")]
BrowsGain = Annotated[float, _gain("the brows, on top of expression")]
ModeOption = Annotated[
    Mode | None,
    typer.Option(
        help="relative adds the driver's change from its neutral frame; absolute_mouth opens "
        "and closes the mouth as far as the driver (preview only); absolute takes pose and "
        "lids, too. Left out: relative with preview, absolute, as the paper, with diffusion.",
        rich_help_panel=_MOTION,
    ),
]
NeutralFrameOption = Annotated[
    int | None,
    typer.Option(
        help="The driver's frame at rest, from 0; else one is chosen.", rich_help_panel=_MOTION
    ),
]
MirrorOption = Annotated[
    bool, typer.Option("--mirror", help="Swap left and right.", rich_help_panel=_MOTION)
]
FaceOption = Annotated[
    Face,
    typer.Option(
        help="largest; left_to_right or index (by size), both with --face-index.",
        rich_help_panel=_FACE,
    ),
]
FaceIndexOption = Annotated[int, typer.Option(help="Counted from 0.", rich_help_panel=_FACE)]
SmoothingOption = Annotated[
    float, typer.Option(help="Of the track, 0 none to 1 strongest.", rich_help_panel=_FACE)
]
FpsOption = Annotated[
    str | None,
    typer.Option(
        help="Frames per second, 23.976 or 24000/1001; else the clip's own.", rich_help_panel=_TRIM
    ),
]
StartOption = Annotated[float, typer.Option(help="Seconds.", rich_help_panel=_TRIM)]
EndOption = Annotated[float | None, typer.Option(help="Seconds.", rich_help_panel=_TRIM)]
StrideOption = Annotated[int, typer.Option(help="Every nth frame.", rich_help_panel=_TRIM)]
MaxFramesOption = Annotated[
    int | None, typer.Option(help="At most so many.", rich_help_panel=_TRIM)
]


def face_choice(face: Face, face_index: int, smoothing: float) -> FaceChoice:
    """The options of one group as what the pipeline takes."""
    from ..drivers import FaceChoice

    return FaceChoice(face.value, face_index, smoothing)


def trimming(
    fps: str | None, start: float, end: float | None, stride: int, max_frames: int | None
) -> Trimming:
    """The options of one group as what the pipeline takes."""
    from ..drivers import Trimming

    return Trimming(None if fps is None else _rate(fps), start, end, stride, max_frames)


def _rate(text: str) -> Fraction | float:
    try:
        return Fraction(text) if "/" in text else float(text)
    except (ValueError, ZeroDivisionError) as error:
        raise InputError(f"--fps must be a number or a fraction, got {text!r}") from error
