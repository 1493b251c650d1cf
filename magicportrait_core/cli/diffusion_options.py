"""Options of `reenact` that only the diffusion engine takes, and how they become settings."""

from __future__ import annotations

import shlex
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from enum import Enum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from ..errors import InputError, MagicPortraitError
from .console import say

if TYPE_CHECKING:
    from ..preview import MotionSettings
    from ..reenactment import DiffusionSettings


def _names(name: str, *values: str):
    return Enum(name, {value: value for value in values}, type=str)


Preset = _names("Preset", "smooth", "paper")
Solver = _names("Solver", "ddim", "dpm++2m", "euler", "lcm")
Dtype = _names("Dtype", "auto", "float32", "float16", "bfloat16")
Crop = _names("Crop", "auto", "none")
LoraFor = _names("LoraFor", "both", "denoiser", "reference")
MapsMode = _names("DiffusionMaps", "stable", "parity")
MotionTracker = _names("MotionTracker", "auto", "deca_smirk", "landmark_fit", "landmarks_only")

_PANEL, _RUN = "Diffusion engine", "Diffusion engine: the run"


def _option(*flags: str, help: str, panel: str = _PANEL):
    return typer.Option(*flags, help=help, rich_help_panel=panel)


Steps = Annotated[int | None, _option(help="Of denoising; 20 where it is left out.")]
GuidanceScale = Annotated[float | None, _option(help="3.5 where it is left out; 1 is off.")]
Seed = Annotated[int | None, _option(help="Of the noise; 42 where it is left out.")]
PresetOption = Annotated[
    Preset | None,
    _option(help="How the clip is cut into windows: smooth where it is left out, or as the paper."),
]
SolverOption = Annotated[
    Solver | None, _option(help="ddim where it is left out; the others need diffusers.")
]
Denoise = Annotated[
    float | None, _option(help="Below 1: start from the frames of --init, with less noise.")
]
Init = Annotated[
    str | None,
    _option(
        help="A clip to start from, of the portrait's picture or its crop; or preview: the preview "
        "engine makes it."
    ),
]
Size = Annotated[
    int | None,
    _option(help="Px a side of the clip, a multiple of 8; 512, as trained, where it is left out."),
]
CropOption = Annotated[
    Crop | None,
    _option(help="auto cuts the square round the head; none takes all of the picture."),
]
DtypeOption = Annotated[
    Dtype | None, _option(help="auto: float32 on the CPU, float16 on a graphics card.")
]
WindowsAtOnce = Annotated[
    int | None, _option(help="In one forward: faster on a large card, for more memory.")
]
TrackerOption = Annotated[
    MotionTracker | None,
    _option(help="Of heads; landmarks_only needs no head model, and its maps are approximate."),
]
HeadName = Annotated[str | None, _option(help="The head model; auto takes what suits.")]
Models = Annotated[
    Path | None,
    _option(
        "--models",
        help="The models folder; else $MAGICPORTRAIT_MODELS, ComfyUI's, or one of the user's.",
    ),
]
Loras = Annotated[
    list[str] | None, _option("--lora", help="FILE or FILE:STRENGTH; may come several times.")
]
LoraForOption = Annotated[
    LoraFor | None, _option(help="Which network the LoRAs are for; both where it is left out.")
]
Maps = Annotated[
    MapsMode | None, _option(help="parity is the paper's; stable, the default, does not flicker.")
]
ReferenceMode = Annotated[
    bool,
    _option(
        "--reference-mode",
        help="As the paper's code: its windows, rounding and maps, and its official files even "
        "where a converted one is there.",
    ),
]
RunFolderOption = Annotated[
    Path | None,
    _option(
        help="Where the run is kept. Left out: beside the output, and removed at the end.",
        panel=_RUN,
    ),
]
Resume = Annotated[
    bool,
    _option("--resume", help="Go on with a run that was stopped, if there is one.", panel=_RUN),
]
Previews = Annotated[
    bool,
    _option(
        "--previews", help="Write a picture of each step into the run folder, and keep it.",
        panel=_RUN,
    ),
]  # fmt: skip


def given(options: Mapping[str, Any]) -> dict[str, Any]:
    """Those that the user named, enums as their values."""
    return {
        name: getattr(value, "value", value)
        for name, value in options.items()
        if value is not None and value is not False and value != []
    }


def refuse(options: Mapping[str, Any], why: str) -> None:
    """Raise InputError where an option is named that the preview engine does not take."""
    named = given(options)
    if named:
        flags = ", ".join("--" + name.replace("_", "-") for name in named)
        raise InputError(
            f"{flags}: only the diffusion engine takes that, and preview runs ({why})."
        )


@contextmanager
def resumable(output: Path, run_folder: Path | None) -> Iterator[None]:
    """Where the block is stopped, by the user or by what went wrong, say how the run goes on."""
    from ..reenactment.run import run_folder_of
    from ..reenactment.runs import holds_work
    from ..weights.advice import program

    try:
        yield
    except BaseException as error:
        folder = run_folder or run_folder_of(output)
        told = isinstance(error, MagicPortraitError)  # its own sentence says it
        if not told and holds_work(folder):
            words = [word for word in sys.argv[1:] if word != "--resume"]
            command = f"{program()} {shlex.join([*words, '--resume'])}"
            say(f"What is done is kept in {folder}. Go on with: {command}")
        raise


def diffusion_settings(
    options: Mapping[str, Any], motion: MotionSettings, mode: str | None
) -> DiffusionSettings:
    """What `reenactment.reenact_diffusion` takes. Raises InputError for what contradicts."""
    from ..diffusion.context_windows import PRESETS
    from ..diffusion.sampler import SampleSettings
    from ..motion.head_pipeline import MapSettings
    from ..reenactment import DiffusionSettings, LoraChoice, reference_mode, transfer_of

    named = given(options)
    for option, only in (("preset", "paper"), ("maps", "parity")):
        if named.get("reference_mode") and named.get(option, only) != only:
            raise InputError(f"--reference-mode is --{option} {only}: leave --{option} out.")
    sampling = {
        name: named[name]
        for name in ("steps", "guidance_scale", "seed", "solver", "denoise", "windows_at_once")
        if name in named
    }
    if "preset" in named:
        sampling["windows"] = PRESETS[named["preset"]]
    own = {
        name: named[name]
        for name in ("size", "crop", "dtype", "tracker", "head", "lora_for", "init")
        if name in named
    }
    if "lora_for" in own and "lora" not in named:
        raise InputError("--lora-for says which network a LoRA is for: name one with --lora.")
    settings = DiffusionSettings(
        sampling=SampleSettings(**sampling),
        transfer=transfer_of(motion, mode),
        look=MapSettings(named.get("maps", "stable")),
        loras=tuple(LoraChoice.parse(text) for text in named.get("lora", ())),
        **own,
    )
    return reference_mode(settings) if named.get("reference_mode") else settings
