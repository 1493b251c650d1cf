"""Round every run of our MODEL, in whatever sampler: what does not fit is said before it starts."""

from __future__ import annotations

import comfy.controlnet
import comfy.patcher_extension
import torch
from torch import Tensor

from ...magicportrait_core.diffusion.schedule import zero_snr_schedule
from ...magicportrait_core.errors import InputError
from ..graphs.notes import note_here
from .conds import KEY, FaceCondition
from .windows import adopted, unheeded

NOT_CONNECTED = (
    "this MODEL is MagicPortrait's and needs to be told the motion and the portrait: wire the "
    "positive, negative and latent outputs of Face Motion Fusion into this sampler."
)
CFG_LIMIT = 7.0  #: pictures burn above it
NOISE_SIGMA = 100.0  #: about time 975: nothing but noise is seen
NOISE_SHARE = 0.15  #: of the steps; the schedules that suit this model spend less there
LONGEST_STEP = 1.6  #: in even steps; beta has 1.4, normal 1.5 of 3 steps, exponential 2.3 and more

_NAME = "magicportrait"


def watch_runs(model) -> None:
    """Put the checks round every run of a MODEL and of its clones."""
    kinds = comfy.patcher_extension.WrappersMP
    model.add_wrapper_with_key(kinds.OUTER_SAMPLE, _NAME, _checked_run)
    model.add_wrapper_with_key(kinds.PREPARE_SAMPLING, _NAME, _one_window)


def _checked_run(executor, noise, latent_image, sampler, sigmas, *args, **kwargs):
    guider = executor.class_obj
    wide = guider.model_patcher.model.diffusion_model.config.cross_attention_dim
    for name, parts in guider.conds.items():
        for part in parts:
            check_part(name, part, noise, wide)
    for text in run_warnings(sigmas, getattr(guider, "cfg", 1.0)):
        note_here(text)
    handler = guider.model_options.get("context_handler")
    for text in unheeded(handler):
        note_here(text)
    guider.model_options["context_handler"] = adopted(handler)
    return executor(noise, latent_image, sampler, sigmas, *args, **kwargs)


def _one_window(executor, model, noise_shape, *args, **kwargs):
    """Memory is asked for one window, not for the clip."""
    handler = (kwargs.get("model_options") or {}).get("context_handler")
    length = getattr(handler, "context_length", None)
    if length:
        noise_shape = [min(noise_shape[0], length), *noise_shape[1:]]
    return executor(model, noise_shape, *args, **kwargs)


def check_part(name: str, part: dict, noise: Tensor, wide: int) -> None:
    """Raise InputError where one part of the positive or negative does not fit this run."""
    face: FaceCondition | None = part.get(KEY)
    if face is None:
        raise InputError(f"the {name} conditioning is not Face Motion Fusion's: {NOT_CONNECTED}")
    if face.frames != len(noise):
        raise InputError(
            f"the latent has {len(noise)} frames, the {name} conditioning {face.frames}: wire all "
            "from the same Face Motion Fusion."
        )
    if face.size != tuple(noise.shape[2:]):
        (rows, columns), (h, w) = noise.shape[2:], face.size
        raise InputError(
            f"the latent is {8 * columns}x{8 * rows} px, the maps were made for {8 * w}x{8 * h}: "
            "render maps and portrait crop at the latent's size."
        )
    check_text(part.get("cross_attn"), wide)
    control = part.get("control")
    while control is not None:
        _check_control(control, face.frames)
        control = control.previous_controlnet


def check_text(text: Tensor | None, wide: int) -> None:
    """Raise InputError where the prompt was encoded for a model of another kind."""
    if text is not None and text.shape[-1] != wide:
        raise InputError(
            f"the prompt has {text.shape[-1]} channels, this model reads {wide}: encode it with "
            "the CLIP of a Stable Diffusion 1.5 checkpoint."
        )


def _check_control(control, frames: int) -> None:
    if isinstance(control, comfy.controlnet.ControlLora):
        raise InputError(
            "this ControlNet is a Control-LoRA, which copies weights that MagicPortrait names "
            "otherwise: use the full ControlNet for Stable Diffusion 1.5."
        )
    hint = control.cond_hint_original
    if isinstance(hint, Tensor) and 1 < len(hint) < frames:
        raise InputError(
            f"the ControlNet has {len(hint)} pictures for {frames} frames: give it one, or one "
            "for each frame."
        )


def run_warnings(sigmas: Tensor, cfg: float) -> list[str]:
    """What is likely to spoil the pictures of a run."""
    found = []
    if cfg > CFG_LIMIT:
        found.append(f"cfg {cfg:g} burns this model's pictures: use 2 to 5; the paper's is 3.5.")
    wasted = int((sigmas[1:-1] > NOISE_SIGMA).sum())  # the first must
    if wasted > NOISE_SHARE * (len(sigmas) - 1):
        found.append(
            f"this scheduler spends {wasted + 1} of {len(sigmas) - 1} steps where nothing but "
            "noise is seen: use simple, for karras and exponential do not suit this model."
        )
    elif (longest := longest_step(sigmas)) > LONGEST_STEP:
        found.append(
            f"this scheduler makes one of {len(sigmas) - 1} steps {longest:.1f} times as long as "
            "even ones would be, and others do next to nothing: use simple, whose steps are even."
        )
    return found


def longest_step(sigmas: Tensor) -> float:
    """The longest of the steps but the last, in the model's times, over the mean of all; 0: one.

    The last is left out: some samplers drop the step before it.

    sigmas: (n + 1,), falling.
    """
    levels = zero_snr_schedule().alphas_cumprod.double()  # falling with the times
    signal = (1 + sigmas.cpu().double().square()).reciprocal()
    times = len(levels) - torch.searchsorted(levels.flip(0), signal.contiguous())
    steps = (times[:-1] - times[1:]).double()
    if len(steps) < 2 or not steps.any():
        return 0.0
    return float((steps[:-1].max() - 1) / steps.mean())  # 1: what rounding to whole times adds
