"""How many windows may go through the denoiser at once."""

from __future__ import annotations

import torch

from ...errors import InputError
from ..layers.configs import UNetConfig
from .free_memory import free_bytes

#: the most that a forward holds for each pixel of latent of each frame, in channels of the finest
#: level. Measured on the CPU in float32: 54 to 56 at a width of 32, 40 to 46 at 64, 47 at
#: 320, beside OVERHEAD.
CHANNELS_HELD = 60
OVERHEAD = 256 << 20  #: bytes, of libraries and of repacked weights
#: the share of free memory that is taken; the rest is for what else runs
SHARE = 0.6
MOST = 8  #: beyond, nothing is gained


def forward_bytes(
    config: UNetConfig, frames: int, size: tuple[int, int], dtype: torch.dtype
) -> int:
    """What one forward over so many frames takes beside the weights, in both halves together.

    size: rows and columns of the latents.
    """
    pixels = frames * size[0] * size[1]
    return OVERHEAD + pixels * config.block_out_channels[0] * CHANNELS_HELD * dtype.itemsize


def fitted_windows(
    config: UNetConfig,
    length: int,
    guided: bool,
    size: tuple[int, int],
    dtype: torch.dtype,
    device: torch.device | str,
    free: int | None = None,
) -> int:
    """Windows in one forward, 1 to MOST, for the memory that is free on a device now.

    Args:
        length: frames of a window.
        guided: whether both halves of classifier-free guidance run.
        size: rows and columns of the latents.
        free: bytes, asked of the device if left out; where it does not tell, the answer is 1.

    Raises InputError for a window of nothing.
    """
    if length < 1 or min(size) < 1:
        raise InputError(f"a window must have frames and pixels, got {length} of {size}")
    free = free_bytes(device) if free is None else free
    if free is None:
        return 1
    each = forward_bytes(config, length * (2 if guided else 1), size, dtype) - OVERHEAD
    return int(min(MOST, max(1, (SHARE * free - OVERHEAD) // each)))
