"""golden_d*, golden_scheduler, golden_preprocess: from pictures and noise to a video.

Names say the case: golden_d_X_f16bank_nocfg_scale1_Y takes golden_d_X_inputs_Y where that is, else
golden_d_X_inputs, rounds the bank to float16 and has a guidance scale of 1 (3.5 where none is
named); a seed other than 42 would be named seed7. Sizes, frames and steps are the tensors'.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

import torch
from torch import Tensor

from magicportrait_core.diffusion.clips.clip_layout import frames_to_clip
from magicportrait_core.diffusion.clips.noise import initial_noise
from magicportrait_core.diffusion.clips.preprocess import prepare_maps, prepare_portrait
from magicportrait_core.diffusion.clips.vae_chunks import decode_frames
from magicportrait_core.diffusion.context_windows import window_preset
from magicportrait_core.diffusion.guidance_encoder import encode_guidance
from magicportrait_core.diffusion.sampler import SampleSettings, sample
from magicportrait_core.diffusion.schedule import trailing_timesteps, zero_snr_schedule
from magicportrait_core.types import HeldGuidance
from tests.goldens.diffusion_networks import BANKS, beside
from tests.goldens.registry import Family, GoldenFile, inputs_only
from tests.goldens.rows import Computed
from tests.tiny_networks import tiny_encoders, tiny_network

LIMITS = {"f32bank": 2e-5, "f16bank": 2e-4}


def settings_of(file: GoldenFile) -> tuple[SampleSettings, float]:
    """The case that a golden_d file's name and tensors describe, and its tolerance."""
    name = file.path.stem
    kind = re.search("|".join(BANKS), name)[0]
    scale, seed = (re.search(p, name) for p in (r"scale(\d+(?:\.\d+)?)", r"seed(\d+)"))
    settings = SampleSettings(
        steps=len(file.tensors["timesteps"]),
        guidance_scale=float(scale[1]) if scale else 3.5,
        windows=window_preset("paper"),
        seed=int(seed[1]) if seed else 42,
        sum_overlaps=True,
        bank_dtype=BANKS[kind],
    )
    return settings, LIMITS[kind]


def pipeline(file: GoldenFile) -> Iterator[Computed]:
    settings, limit = settings_of(file)
    for name, value in _run(file, settings).items():
        yield Computed(name, value, rel_limit=limit)


@torch.no_grad()
def _run(file: GoldenFile, settings: SampleSettings) -> dict[str, Tensor]:
    """Every tensor of a golden_d file, from its inputs."""
    folder, stored = file.folder, file.tensors
    before, after = re.split("_f(?:16|32)bank", file.path.stem)
    after = re.sub(r"_(nocfg|scale[\d.]+|seed\d+)", "", after)
    given = beside(file, f"{before}_inputs{after}", f"{before}_inputs")
    rows, columns = stored["initial_noise"].shape[-2:]
    height, width, frames = 8 * rows, 8 * columns, stored["initial_noise"].shape[2]
    pictures = {n.removeprefix("guidance_u8."): given[n].permute(0, 3, 1, 2)
                for n in given if n.startswith("guidance_u8.")}  # fmt: skip
    maps = {kind: prepare_maps(p[:frames], height, width) for kind, p in pictures.items()}
    features = encode_guidance(tiny_encoders(folder), maps)
    vae, unet = tiny_network(folder, "vae"), tiny_network(folder, "denoising_unet")
    portrait = prepare_portrait(given["ref_image_u8"].permute(2, 0, 1), height, width)
    latents, text = vae.encode(portrait), given["text_embeds"]
    out = {
        "guidance_fea_sum": frames_to_clip(features),
        "ref_image_latents": latents,
        "initial_noise": frames_to_clip(initial_noise(frames, rows, columns, settings.seed)),
        "timesteps": torch.tensor(trailing_timesteps(settings.steps)),
    }
    halves = 1 if settings.guidance_scale <= 1 else 2
    forwards: list[Tensor] = []
    hook = unet.register_forward_hook(lambda module, given, v: forwards.append(v))

    def watch(step: int, x: Tensor, v: Tensor, *_: Tensor) -> None:
        out[f"latents_after.step{step}"] = frames_to_clip(x)
        out[f"model_output_after_cfg.step{step}"] = frames_to_clip(v)
        for window, output in enumerate(forwards):
            out[f"unet_output.step{step}.window{window}"] = frames_to_clip(output, halves)
        forwards.clear()

    bank = tiny_network(folder, "reference_unet")(latents, text)
    guidance = HeldGuidance(features)
    try:
        x = sample(unet, text, bank, guidance, (rows, columns), settings, watch=watch)
    finally:
        hook.remove()
    out["final_latents"] = frames_to_clip(x)
    out["video"] = frames_to_clip(decode_frames(vae, x))
    return out


def scheduler(file: GoldenFile) -> Iterator[Computed]:
    schedule = zero_snr_schedule()
    yield Computed("betas", schedule.betas)
    yield Computed("alphas_cumprod", schedule.alphas_cumprod)
    yield Computed("final_alpha_cumprod", schedule.signal(-1)[None])
    for name in file.tensors:
        if found := re.fullmatch(r"timesteps\.n(\d+)", name):
            yield Computed(name, torch.tensor(trailing_timesteps(int(found[1]))))


def preprocess(file: GoldenFile) -> Iterator[Computed]:
    """The picture at the size of the two results."""
    picture = file.tensors["image_u8"].permute(2, 0, 1)
    height, width = file.tensors["ref_preprocessed"].shape[-2:]
    yield Computed("ref_preprocessed", prepare_portrait(picture, height, width))
    height, width = file.tensors["guidance_preprocessed_hwc"].shape[:2]
    maps = prepare_maps(picture[None], height, width)
    yield Computed("guidance_preprocessed_hwc", maps[0].permute(1, 2, 0))


INPUTS = ("guidance_u8.*", "ref_image_u8", "text_embeds")
FAMILIES = (
    inputs_only("golden_d_*_inputs*"),
    Family("golden_d_*.safetensors", pipeline, INPUTS),
    Family("golden_scheduler*.safetensors", scheduler),
    Family("golden_preprocess*.safetensors", preprocess, ("image_u8",)),
)
