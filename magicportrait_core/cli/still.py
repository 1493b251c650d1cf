"""`magicportrait still`: a portrait posed by hand."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from . import options as opt
from .console import print_report, watched


def still(
    portrait: opt.PortraitArgument,
    output: Annotated[
        Path, typer.Option("--output", "-o", help="The picture to write, .png or .jpg.")
    ],
    yaw: Annotated[float, typer.Option(help="Degrees to the picture's right, -25 to 25.")] = 0.0,
    pitch: Annotated[float, typer.Option(help="Degrees up, -20 to 20.")] = 0.0,
    roll: Annotated[float, typer.Option(help="Degrees clockwise, -25 to 25.")] = 0.0,
    blink: Annotated[float, typer.Option(help="1 shuts the eyes.")] = 0.0,
    smile: Annotated[float, typer.Option(help="-1 a frown to 1 a smile.")] = 0.0,
    mouth: Annotated[float, typer.Option(help="1 opens it wide.")] = 0.0,
    brows: Annotated[float, typer.Option(help="-1 lowered to 1 raised.")] = 0.0,
    device: opt.DeviceOption = opt.Device.auto,
    as_json: opt.JsonOption = False,
) -> None:
    """Turn the head of a portrait, open its mouth, make it smile or blink."""
    from .. import pipeline
    from ..preview import FaceSliders

    sliders = FaceSliders(yaw, pitch, roll, blink, smile, mouth, brows)
    with watched():
        report = pipeline.still(portrait, output, sliders, device=device.value)
    print_report(report, as_json)
