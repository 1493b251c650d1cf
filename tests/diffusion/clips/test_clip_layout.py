"""Clips and their frames."""

import pytest
import torch

from magicportrait_core.diffusion.clips.clip_layout import (
    clip_to_frames,
    frames_to_clip,
    predict_clip,
)
from magicportrait_core.errors import InputError
from magicportrait_core.types import ChunkCondition


def test_there_and_back():
    clip = torch.arange(2 * 3 * 4 * 5 * 6.0).reshape(2, 3, 4, 5, 6)
    frames = clip_to_frames(clip)
    assert frames.shape == (8, 3, 5, 6)
    assert frames[5].equal(clip[1, :, 1])
    assert frames_to_clip(frames, 2).equal(clip)


def test_one_window_in_both_halves(unet, draw, text, bank):
    latents, guidance = draw(1, 4, 3, 8, 16), draw(1, 16, 3, 8, 16)
    both = predict_clip(unet, latents, 300, text, guidance, bank)
    assert both.shape == (2, 4, 3, 8, 16)
    x, features = clip_to_frames(latents), clip_to_frames(guidance)
    for half, reference in zip(both, (None, bank), strict=True):
        alone = unet(x, 300, text, [ChunkCondition(features, reference)])
        torch.testing.assert_close(clip_to_frames(half[None]), alone, rtol=1e-4, atol=1e-5)
    one = predict_clip(unet, latents, 300, text, guidance, bank, unconditional=False)
    torch.testing.assert_close(one, both[1:], rtol=1e-4, atol=1e-5)


def test_one_clip_at_a_time(unet, draw, text, bank):
    with pytest.raises(InputError, match="latents must be"):
        predict_clip(unet, draw(2, 4, 3, 8, 16), 300, text, None, bank)
