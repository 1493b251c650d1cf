"""The sampler with this model's own settings: the paper's DDIM, its noise, its windows."""

from __future__ import annotations

from dataclasses import replace

import comfy.sample
import comfy.sampler_helpers
import comfy.utils
import latent_preview
import torch
from comfy_api.latest import io

from ..magicportrait_core.diffusion.clips.noise import initial_noise
from ..magicportrait_core.diffusion.context_windows import PRESETS, WindowSettings
from ..magicportrait_core.errors import InputError
from .schema import node_schema
from .unet.model import is_face_model
from .unet.sampling import PAPER_SAMPLER, SAMPLERS, SCHEDULERS, plan_run
from .unet.windows import FaceWindows, set_windows

INHERIT = "inherit"
MOST = 32  #: frames in a window, what the motion modules were trained for


class TemporalDenoise(io.ComfyNode):
    @classmethod
    def define_schema(cls) -> io.Schema:
        return node_schema(
            node_id="TemporalDenoise",
            display_name="Temporal Denoise",
            search_aliases=["magicportrait sampler", "ksampler", "ddim", "context windows"],
            description="Samples the clip. The stock KSampler works on the same inputs; this one"
            " adds the paper's sampler and the choice of windows.",
            inputs=[
                io.Model.Input("model", tooltip="From Load MagicPortrait Model."),
                io.Conditioning.Input("positive", tooltip="From Face Motion Fusion."),
                io.Conditioning.Input("negative", tooltip="From Face Motion Fusion."),
                io.Latent.Input("latent", tooltip="From Face Motion Fusion."),
                io.Int.Input(
                    "seed",
                    default=42,
                    min=0,
                    max=0xFFFFFFFFFFFFFFFF,
                    control_after_generate=True,
                    tooltip="Of the noise that the clip is made from; 42 is the paper's.",
                ),
                io.Int.Input("steps", default=20, min=1, max=1000, tooltip="More is finer."),
                io.Float.Input(
                    "cfg",
                    default=3.5,
                    min=0.0,
                    max=100.0,
                    step=0.1,
                    tooltip="How much the portrait is insisted on: 2 to 5; above 7 pictures burn.",
                ),
                io.Combo.Input(
                    "sampler",
                    options=SAMPLERS,
                    default=PAPER_SAMPLER,
                    tooltip=f"{PAPER_SAMPLER} is the paper's; euler is the same to 4 digits.",
                ),
                io.Combo.Input(
                    "scheduler",
                    options=SCHEDULERS,
                    default="simple",
                    tooltip="simple visits the times that the model was trained to be sampled at;"
                    " karras and exponential do not suit it.",
                ),
                io.Float.Input(
                    "denoise",
                    default=1.0,
                    min=0.01,
                    max=1.0,
                    step=0.01,
                    tooltip="Below 1 the latent is the start, and less of it is changed.",
                ),
                io.Combo.Input(
                    "preset",
                    options=[INHERIT, *reversed(PRESETS)],
                    default=INHERIT,
                    tooltip="How the clip is cut into windows. smooth: 12 frames, 4 shared, never"
                    " across the clip's ends; paper: 12 frames, 1 shared, in a ring; inherit:"
                    " what the model carries, smooth as it is loaded.",
                ),
                io.Int.Input(
                    "window",
                    default=0,
                    min=0,
                    max=MOST,
                    tooltip="Frames in a window; 0: the preset's.",
                ),
                io.Int.Input(
                    "overlap",
                    default=0,
                    min=0,
                    max=MOST - 1,
                    tooltip="Frames shared; 0: the preset's.",
                ),
            ],
            outputs=[
                io.Latent.Output(
                    "latent_out", display_name="latent", tooltip="The clip, for Decode Video."
                )
            ],
        )

    @classmethod
    def validate_inputs(cls, window, overlap) -> bool | str:
        """Wired numbers are known when the node runs; these are None here."""
        for name, value, most in (("window", window, MOST), ("overlap", overlap, MOST - 1)):
            if value is not None and not 0 <= value <= most:
                return f"{name} must be 0 to {most}, got {value}"
        if window and overlap is not None and overlap >= window:
            return f"overlap must be below window: got {overlap} of {window} frames"
        return True

    @classmethod
    def execute(
        cls, model, positive, negative, latent, seed, steps, cfg, sampler, scheduler, denoise,
        preset, window, overlap,
    ) -> io.NodeOutput:  # fmt: skip
        if not is_face_model(model):
            raise InputError(
                "this MODEL is not MagicPortrait's, and would ignore the portrait and the motion: "
                "wire Load MagicPortrait Model, or use KSampler for other models."
            )
        model = with_windows(model, preset, window, overlap)
        start = latent["samples"]
        plan = plan_run(model, sampler, scheduler, steps, denoise)
        samples = comfy.sample.sample_custom(
            model,
            initial_noise(len(start), *start.shape[2:], seed, start.shape[1]),
            cfg,
            plan.sampler,
            plan.sigmas,
            positive,
            negative,
            start,
            noise_mask=latent.get("noise_mask"),
            callback=latent_preview.prepare_callback(model, len(plan.sigmas) - 1),
            disable_pbar=not comfy.utils.PROGRESS_BAR_ENABLED,
            seed=seed,
        )
        mask = latent.get("noise_mask")
        if mask is not None:  # the paper's last step leaves a little noise where steps do not fit
            mask = comfy.sampler_helpers.prepare_mask(mask, samples.shape, samples.device)
            samples = torch.where(mask > 0, samples, start.to(samples))
        return io.NodeOutput({**latent, "samples": samples})


def with_windows(model, preset: str, window: int, overlap: int):
    """The MODEL with the windows asked for; itself where it is to keep its own."""
    if preset == INHERIT and not window and not overlap:
        return model
    settings = PRESETS["smooth"]
    carried = model.model_options.get("context_handler")
    if preset != INHERIT:
        settings = PRESETS[preset]
    elif type(carried) is FaceWindows:
        settings = carried.settings
    elif carried is not None:
        settings = WindowSettings(carried.context_length, carried.context_overlap)
    length = window or settings.length
    shared = overlap or min(settings.overlap, length - 1)
    model = model.clone()
    set_windows(model, replace(settings, length=length, overlap=shared))
    return model
