"""What does not fit is refused in one sentence that says what to do; what spoils pictures warns."""

from __future__ import annotations

from host import error_of, report  # isort: skip  first: it finds the host

import logging
from fractions import Fraction
from types import SimpleNamespace

import comfy.controlnet
import comfy.sample
import comfy.samplers
import tiny
import torch
from pack.magicportrait_core.types import GeometryMaps, MapBatch
from pack.nodes.sockets import Maps
from pack.nodes.temporal_denoise import TemporalDenoise, with_windows
from pack.nodes.unet.conds import KEY
from pack.nodes.unet.run_checks import run_warnings
from pack.nodes.unet.windows import unheeded

from nodes import ControlNetApplyAdvanced

FRAMES = 4
CLIP = range(FRAMES)


class FlatMaps(GeometryMaps):
    """One grey for all."""

    mode, fps = "stable", Fraction(25)

    def __init__(self, frames, height, width):
        self.count, self.height, self.width = frames, height, width

    def __len__(self):
        return self.count

    def frames(self, indices):
        one = torch.full((len(indices), 1, self.height, self.width), 0.5)
        three = one.expand(-1, 3, -1, -1)
        return MapBatch(one, three, three, one)


class Log(logging.Handler):
    def __init__(self):
        super().__init__()
        self.lines = []

    def emit(self, record):
        self.lines.append(record.getMessage())


def fuse_error(frames=CLIP, **more):
    return error_of(tiny.fused, frames, **more)


def sample_error(conds, frames=CLIP, **more):
    return error_of(tiny.sample, tiny.model(), frames, conds, **more)


def logged(conds, **more):
    log = Log()
    logging.getLogger().addHandler(log)
    tiny.sample(tiny.model(), CLIP, conds, **more)
    logging.getLogger().removeHandler(log)
    return [line for line in log.lines if "MagicPortrait" in line]


def scheduled(name, steps=20):
    sampling = tiny.model().get_model_object("model_sampling")
    return run_warnings(comfy.samplers.calculate_sigmas(sampling, name, steps), 3.5)


with torch.no_grad():
    pictures = tiny.pictures(CLIP)
    maps = Maps(FlatMaps(FRAMES, 128, 64), None)
    none = dict.fromkeys(pictures)
    conds = tiny.fused(CLIP)[:2]
    plain = [[tiny.INPUTS["text_embeds"], {}]]
    wide = [[torch.zeros(1, 77, 48), {}]]
    rows = torch.zeros(1, 128, 64, 3)
    control = comfy.controlnet.ControlNet(control_model=torch.nn.Module())
    lora = comfy.controlnet.ControlLora({})
    hinted = ControlNetApplyAdvanced().apply_controlnet(
        *conds, control, rows.expand(2, -1, -1, -1), 1.0, 0.0, 1.0
    )
    lorad = ControlNetApplyAdvanced().apply_controlnet(*conds, lora, rows, 1.0, 0.0, 1.0)
    positive, _, latent = tiny.fused(CLIP, maps=maps, **none)
    half = positive[0][1][KEY].guidance
    mixed = tiny.fused(CLIP, maps=maps, **none | {"depth": pictures["depth"]})
    report(
        unheeded=unheeded(SimpleNamespace(split_conds_to_windows=True, cond_retain_index_list=[0])),
        queued=[
            TemporalDenoise.validate_inputs(*given)
            for given in ((0, 0), (12, 4), (4, 4), (12, None), (33, 0), (0, 32))
        ],
        heeded=unheeded(SimpleNamespace(split_conds_to_windows=False, context_length=16)),
        portrait_size=fuse_error(portrait_crop=torch.zeros(1, 64, 64, 3)),
        maps_size=fuse_error(maps=Maps(FlatMaps(FRAMES, 64, 64), None), **none),
        lengths=fuse_error(depth=pictures["depth"][:3]),
        lengths_maps=fuse_error(maps=Maps(FlatMaps(7, 128, 64), None)),
        no_maps=fuse_error(render=None, normal=None),
        odd=fuse_error(
            portrait_crop=torch.zeros(1, 100, 64, 3), **{k: p[:, :100] for k, p in pictures.items()}
        ),
        batch=fuse_error(portrait_crop=torch.zeros(2, 128, 64, 3)),
        text=fuse_error(positive=wide),
        init=fuse_error(init_frames=torch.zeros(3, 128, 64, 3)),
        vae=fuse_error(vae=SimpleNamespace(encode=lambda images: torch.zeros(1, 16, 16, 8))),
        not_ours=sample_error((plain, plain)),
        half_ours=sample_error((conds[0], plain)),
        other_length=sample_error(conds, range(3)),
        other_size=error_of(
            comfy.sample.sample,
            tiny.model(),
            torch.zeros(FRAMES, 4, 8, 8),
            1,
            3.5,
            "euler",
            "simple",
            *conds,
            torch.zeros(FRAMES, 4, 8, 8),
            disable_pbar=True,
        ),
        few_hints=sample_error(hinted[:2]),
        control_lora=sample_error(lorad[:2]),
        window=error_of(with_windows, tiny.model(), "smooth", 4, 4),
        carried=[str(latent[KEY]["fps"]), latent[KEY]["audio"]],
        mixed=float((mixed[0][0][1][KEY].guidance.frames(CLIP) - half.frames(CLIP)).abs().max()),
        windows=[
            [
                m.model_options["context_handler"].context_length,
                m.model_options["context_handler"].context_overlap,
            ]
            for m in (
                with_windows(tiny.model(), "inherit", 0, 0),
                with_windows(tiny.model(), "paper", 0, 0),
                with_windows(tiny.model(), "paper", 16, 3),
                with_windows(tiny.model(), "inherit", 3, 0),
            )
        ],
        warns={name: len(scheduled(name)) for name in comfy.samplers.SCHEDULER_NAMES},
        karras=scheduled("karras")[0],
        few={
            f"{name} {steps}": scheduled(name, steps)
            for name in ("simple", "sgm_uniform", "beta", "normal", "ddim_uniform")
            for steps in (1, 2, 3, 4, 5, 8, 30, 900)
            if steps != 2 or name not in ("normal", "ddim_uniform")  # there they are karras's
        },
        short={
            f"{name} {steps}": scheduled(name, steps)
            for name in ("karras", "exponential")
            for steps in (2, 3, 4, 5, 8)
        },
        burnt=logged(conds, cfg=8.0),
        quiet=logged(conds, cfg=3.5),
    )
