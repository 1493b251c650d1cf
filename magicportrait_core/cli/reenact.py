"""`magicportrait reenact`: the main job."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from . import diffusion_options as dif
from . import options as opt
from .console import print_report, say, say_tracker, say_weights, watched
from .time_left import TimeLeft


def reenact(
    portrait: opt.PortraitArgument,
    driving: Annotated[
        Path,
        typer.Argument(
            help="A clip with a face: video, GIF, animated WebP, folder of pictures; or a "
            "track.safetensors made by `track`, which has no sound. The diffusion engine also "
            "takes key frames (.json, .csv)."
        ),
    ],
    output: Annotated[
        Path, typer.Option("--output", "-o", help="The clip to write, .mp4, .mov or .mkv.")
    ],
    engine: opt.EngineOption = opt.Engine.auto,
    codec: opt.CodecOption = opt.Codec.h264,
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
    as_json: opt.JsonOption = False,
    steps: dif.Steps = None,
    guidance_scale: dif.GuidanceScale = None,
    seed: dif.Seed = None,
    preset: dif.PresetOption = None,
    solver: dif.SolverOption = None,
    denoise: dif.Denoise = None,
    init: dif.Init = None,
    size: dif.Size = None,
    crop: dif.CropOption = None,
    dtype: dif.DtypeOption = None,
    windows_at_once: dif.WindowsAtOnce = None,
    tracker: dif.TrackerOption = None,
    head: dif.HeadName = None,
    maps: dif.Maps = None,
    lora: dif.Loras = None,
    lora_for: dif.LoraForOption = None,
    reference_mode: dif.ReferenceMode = False,
    models: dif.Models = None,
    run_folder: dif.RunFolderOption = None,
    resume: dif.Resume = False,
    previews: dif.Previews = False,
) -> None:
    """Write the portrait moving as the face in the driving clip moves, with the clip's sound."""
    from .. import pipeline
    from ..engines import choose_engine
    from ..preview import MotionSettings
    from ..reenactment import reenact_diffusion

    settings = MotionSettings(
        pose,
        expression,
        mouth,
        eyes,
        brows,
        (mode or opt.Mode.relative).value,
        neutral_frame,
        mirror,
    )
    looks = {
        "steps": steps, "guidance_scale": guidance_scale, "seed": seed, "preset": preset,
        "solver": solver, "denoise": denoise, "init": init, "size": size, "crop": crop,
        "dtype": dtype, "windows_at_once": windows_at_once, "tracker": tracker, "head": head,
        "maps": maps, "lora": lora, "lora_for": lora_for, "reference_mode": reference_mode,
    }  # fmt: skip
    kept = {"run_folder": run_folder, "resume": resume, "previews": previews}
    both = {
        "face": opt.face_choice(face, face_index, smoothing),
        "trim": opt.trimming(fps, start, end, stride, max_frames),
        "codec": codec.value,
        "device": device.value,
    }
    choice = choose_engine(engine.value, models)
    files = (portrait, driving, output)
    with watched() as progress:
        if choice.name == "diffusion":
            plan = dif.diffusion_settings(looks, settings, mode and mode.value)
            with dif.resumable(output, run_folder):
                report = reenact_diffusion(
                    *files, plan, **both, **kept, models=models, choice=choice,
                    progress=TimeLeft(progress),
                )  # fmt: skip
        else:
            dif.refuse(looks | kept, choice.why)
            report = pipeline.reenact(
                *files, settings=settings, engine="preview", **both, progress=progress
            )
    say(f"Engine: {choice.name} ({choice.why}).")
    say_tracker(report)
    say_weights(report)
    for note in report.notes:
        say(note)
    print_report(report, as_json)
