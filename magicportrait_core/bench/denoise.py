"""The cost of one prediction of the denoiser at Stable Diffusion 1.5's size."""

from __future__ import annotations

import gc
import math
import time
from collections.abc import Callable
from typing import Any

import torch
from torch import Tensor

from ..checks import check_choice, check_range
from ..devices import choose_device
from ..diffusion.backbone.transformer import TransformerBlock
from ..diffusion.clips.windowed import ClipDenoiser
from ..diffusion.context_windows import WindowSettings
from ..diffusion.layers.configs import UNetConfig
from ..diffusion.motion_module import positions
from ..diffusion.speed.compiled import compile_blocks
from ..diffusion.speed.optimize import optimize
from ..diffusion.unet import DenoisingUNet
from ..errors import InputError
from ..types import HeldGuidance, Progress, ReferenceCondition, no_progress
from .measure import matmul_seconds, peak_mb

DTYPES = {"float32": torch.float32, "bfloat16": torch.bfloat16, "float16": torch.float16}
#: matmul_s of the machine that the figures are scaled to
YARDSTICK_S = 0.051
REPEATS = 3
_STEP = 50  #: of the times that are predicted at: the time is embedded anew, as in a run


def bench_denoise(
    frames: int = 4,
    progress: Progress = no_progress,
    size: int = 256,
    dtype: str = "float32",
    threads: int | None = None,
    device: str = "cpu",
    compiled: bool = False,
    config: UNetConfig = UNetConfig(),  # noqa: B008, frozen
) -> dict[str, Any]:
    """Predict one window with random weights, both halves of guidance in one batch.

    frames: of the window. size: px of the picture's sides. compiled: blocks are compiled too.

    Returns the figures of the network as it is, and ``backends``: those of ``as_shipped`` and
    ``optimized`` (see `speed.optimize`). A figure is the fastest of REPEATS forwards after a
    warm-up. scaled_cpu_s is cpu_s_per_forward of a machine with matmul_s of YARDSTICK_S. peak_mb
    never falls from one to the next: it is the process's; on a GPU gpu_peak_mb is each one's own.
    Raises InputError for what cannot be run.
    """
    check_range("size", size, 64, 2048)
    check_range("frames", frames, 1, config.max_frames)
    check_choice("dtype", dtype, tuple(DTYPES))
    place = choose_device(device)
    if place.type == "cpu" and dtype == "float16":
        raise InputError("float16 is for a GPU: on the CPU use float32 or bfloat16.")
    before = torch.get_num_threads()
    if threads is not None:
        check_range("threads", threads, 1, 1024)
        torch.set_num_threads(threads)
    try:
        with torch.no_grad():
            unet = random_unet(config, DTYPES[dtype], place)
            steps: list[tuple[str, Callable]] = [("as_shipped", lambda u: u)]
            steps.append(("optimized", optimize))
            if compiled:
                steps.append(("compiled", compile_blocks))
            found = {}
            for done, (name, change) in enumerate(steps):
                progress("timing the denoiser", done, len(steps))
                found[name] = {**_figures(change(unet), frames, size // 8), "dtype": dtype}
            progress("timing the denoiser", len(steps), len(steps))
    finally:
        torch.set_num_threads(before)
    return _summary(found, size)


def random_unet(config: UNetConfig, dtype: torch.dtype, device: torch.device) -> DenoisingUNet:
    """Weights that mean nothing and keep numbers near 1."""
    unet = DenoisingUNet(config, dtype=dtype, device="meta").to_empty(device=device)
    generator = torch.Generator(device).manual_seed(0)
    for name, weight in unet.state_dict().items():
        if name.endswith(".pe"):
            weight.copy_(positions(*weight.shape[1:]))
        elif weight.ndim > 1:
            bound = (3 / weight[0].numel()) ** 0.5
            weight.uniform_(-bound, bound, generator=generator)
        else:
            weight.fill_(1.0 if name.endswith("weight") else 0.0)
    return unet.eval().requires_grad_(False)


def random_bank(unet: DenoisingUNet, side: int) -> ReferenceCondition:
    """A portrait's bank for latents of side x side."""
    states = {}
    for name, block in unet.named_modules():
        if isinstance(block, TransformerBlock):
            level = _level(name, len(unet.config.block_out_channels))
            tokens = math.ceil(side / 2**level) ** 2
            states[name] = torch.randn(1, tokens, block.norm1.normalized_shape[0])
    return ReferenceCondition(states).to(unet.conv_in.weight.device, unet.dtype)


def _level(name: str, levels: int) -> int:
    """0 is the finest."""
    part, number = name.split(".")[:2]
    if part == "mid_block":
        return levels - 1
    return int(number) if part == "down_blocks" else levels - 1 - int(number)


def _figures(unet: DenoisingUNet, frames: int, side: int) -> dict[str, Any]:
    device = unet.conv_in.weight.device
    predict = _work(unet, frames, side)
    if device.type == "cuda":
        torch.cuda.reset_peak_memory_stats(device)
    predict(999)
    runs, yardstick = [], [matmul_seconds()]
    for number in range(1, 1 + REPEATS):
        _wait(device)
        start = time.process_time(), time.perf_counter()
        predict(999 - number * _STEP)
        _wait(device)
        runs.append((time.process_time() - start[0], time.perf_counter() - start[1]))
    yardstick.append(matmul_seconds())
    cpu, wall = (min(times) for times in zip(*runs, strict=True))
    figures = {
        "frames": frames,
        "threads": torch.get_num_threads(),
        "device": device.type,
        "cpu_s_per_forward": round(cpu, 3),
        "wall_s_per_forward": round(wall, 3),
        "peak_mb": round(peak_mb(), 1),
        "matmul_s": round(min(yardstick), 4),
        "scaled_cpu_s": round(cpu * YARDSTICK_S / min(yardstick), 3),
    }
    if device.type == "cuda":
        figures["gpu"] = torch.cuda.get_device_name(device)
        figures["gpu_peak_mb"] = round(torch.cuda.max_memory_allocated(device) / 2**20, 1)
    return figures


def _work(unet: DenoisingUNet, frames: int, side: int) -> Callable[[int], Tensor]:
    """Predicts at a time, as the sampler does: what stays from step to step is made once."""
    device, config = unet.conv_in.weight.device, unet.config
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(1)
        features = torch.randn(frames, config.block_out_channels[0], side, side)
        latents = torch.randn(frames, config.in_channels, side, side)
        text = torch.randn(1, 77, config.cross_attention_dim)
        bank = random_bank(unet, side)
    denoiser = ClipDenoiser(
        unet,
        text.to(device),
        bank,
        HeldGuidance(features.to(device, unet.dtype)),
        WindowSettings(length=frames, overlap=0),
        scale=3.5,
    )
    return lambda time: denoiser.predict(latents, time)


def _wait(device: torch.device) -> None:
    gc.collect()
    if device.type == "cuda":
        torch.cuda.synchronize(device)


def _summary(found: dict[str, dict[str, Any]], size: int) -> dict[str, Any]:
    """The first's figures, how many times as long the others take, all figures."""
    first, *others = found
    base = found[first]
    key = "wall_s_per_forward" if base["device"] == "cuda" else "cpu_s_per_forward"
    ratio = {name: round(found[name][key] / base[key], 3) for name in others}
    return {"backend": first, "size": size, **base, "ratio": ratio, "backends": found}
