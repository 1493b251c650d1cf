"""Features made on demand are the encoders' own, each frame made as seldom as the cache allows."""

from __future__ import annotations

import copy

import pytest
import torch

from magicportrait_core.diffusion.clips.lazy_guidance import LazyGuidance
from magicportrait_core.diffusion.guidance_encoder import GuidanceEncoder, encode_guidance
from magicportrait_core.diffusion.layers.configs import GuidanceConfig
from magicportrait_core.errors import InputError

CONFIG = GuidanceConfig((8, 8, 8, 8), 16, norm_groups=4, heads=2)
FRAME = 16 * 2 * 2 * 4  #: bytes of one frame's features


@pytest.fixture
def encoders() -> dict[str, GuidanceEncoder]:
    torch.manual_seed(0)
    return {"depth": GuidanceEncoder(CONFIG).eval(), "normal": GuidanceEncoder(CONFIG).eval()}


@pytest.fixture
def clip() -> dict[str, torch.Tensor]:
    torch.manual_seed(1)
    return {kind: torch.rand(12, 3, 16, 16) for kind in ("depth", "normal")}


def watched(clip, encoders, cache_bytes):
    asked = []

    def maps(frames):
        asked.append(list(frames))
        return {kind: pictures[list(frames)] for kind, pictures in clip.items()}

    return LazyGuidance(encoders, maps, 12, cache_bytes), asked


def test_features_are_those_of_the_whole_clip(encoders, clip):
    with torch.no_grad():
        whole = encode_guidance(encoders, clip)
    guidance, _ = watched(clip, encoders, 3 * FRAME)
    for _ in range(2):
        for window in ([0, 1, 2, 3], [2, 3, 4, 5], [11, 0, 5, 5]):
            torch.testing.assert_close(guidance.frames(window), whole[window])


def test_what_fits_the_cache_is_made_once(encoders, clip):
    guidance, asked = watched(clip, encoders, 12 * FRAME)
    for _ in range(3):
        for start in (0, 4, 8):
            guidance.frames(range(start, start + 4))
    assert sorted(i for frames in asked for i in frames) == list(range(12))


def test_a_small_cache_keeps_the_first_frames_and_the_last_window(encoders, clip):
    guidance, asked = watched(clip, encoders, 4 * FRAME)
    for start in (0, 3, 6, 8):
        guidance.frames(range(start, start + 4))
    assert asked == [[frame] for frame in range(12)]
    asked.clear()
    guidance.frames(range(4))
    assert asked == []


def test_computed_in_another_precision_and_kept_in_a_third(encoders, clip):
    """As a host does that casts weights as they are used."""
    doubles = {kind: copy.deepcopy(encoder).double() for kind, encoder in encoders.items()}
    place = (torch.device("cpu"), torch.float64)
    maps = lambda frames: {kind: pictures[list(frames)] for kind, pictures in clip.items()}  # noqa: E731
    made = LazyGuidance(doubles, maps, 12, dtype=torch.float16, place=place).frames([3, 1])
    with torch.no_grad():
        whole = encode_guidance(doubles, {kind: p.double() for kind, p in clip.items()})
    assert torch.equal(made, whole[[3, 1]].half())


def test_a_frame_outside_the_clip_is_refused(encoders, clip):
    guidance, _ = watched(clip, encoders, 0)
    with pytest.raises(InputError, match=r"0\.\.11"):
        guidance.frames([12])
