"""The noise that sampling starts from."""

from __future__ import annotations

import torch
from torch import Tensor

from ...checks import check_range
from .clip_layout import clip_to_frames


def initial_noise(frames: int, height: int, width: int, seed: int, channels: int = 4) -> Tensor:
    """(t, 4, height, width) of the latent; float32 from the CPU's generator, as the reference's.

    It is drawn as one clip, so a clip's noise depends on its length.
    """
    return _draw(frames, height, width, torch.Generator("cpu").manual_seed(seed), channels)


def shared_noise(
    frames: int, height: int, width: int, seed: int, length: int, step: int, channels: int = 4
) -> Tensor:
    """(t, 4, height, width) whose windows hold the same ``length`` frames in other orders.

    FreeNoise, https://arxiv.org/abs/2310.15169, section 3.2: after the first window come the
    frames of one window before, shuffled within each ``step``, so that windows ``step`` apart agree
    about more than their overlap. The first window's are initial_noise of its length.
    """
    check_range("step", step, 1, length)
    generator = torch.Generator("cpu").manual_seed(seed)
    drawn = _draw(min(frames, length), height, width, generator, channels)
    order = list(range(len(drawn)))
    while len(order) < frames:
        before = order[-length:][:step]
        order += [before[i] for i in torch.randperm(step, generator=generator).tolist()]
    return drawn[order[:frames]]


def _draw(
    frames: int, height: int, width: int, generator: torch.Generator, channels: int
) -> Tensor:
    return clip_to_frames(torch.randn((1, channels, frames, height, width), generator=generator))
