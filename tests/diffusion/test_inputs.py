"""Every sentence about inputs that do not fit, and that what fits passes."""

from dataclasses import replace

import pytest
import torch

from magicportrait_core.diffusion.clips.lazy_guidance import LazyGuidance
from magicportrait_core.diffusion.context_windows import WindowSettings
from magicportrait_core.diffusion.guidance_encoder import GuidanceEncoder
from magicportrait_core.diffusion.inputs import check_reference, check_size
from magicportrait_core.diffusion.layers.configs import GuidanceConfig
from magicportrait_core.diffusion.sampler import SampleSettings, sample
from magicportrait_core.diffusion.unet import DenoisingUNet
from magicportrait_core.errors import InputError
from magicportrait_core.types import HeldGuidance, ReferenceCondition

FRAMES, SIZE = 9, (4, 6)
SETTINGS = SampleSettings(steps=2, windows=WindowSettings(4, 1), guidance_scale=2.5)
SMALL = GuidanceConfig((4, 8, 8, 16), embedding_channels=16, norm_groups=4, heads=4)
NAN = float("nan")


@pytest.fixture
def given(unet, reference_unet, text, draw):
    """What a run takes, all of which fits."""
    return {
        "unet": unet,
        "text": text,
        "reference": reference_unet(draw(1, 4, *SIZE), text),
        "guidance": HeldGuidance(draw(FRAMES, 16, *SIZE)),
        "size": SIZE,
        "settings": SETTINGS,
    }


def broken(draw, **changes):
    """One frame of a clip's features, or all, changed."""
    features = draw(FRAMES, 16, *SIZE)
    features[changes.get("frame", 0)] = changes["value"]
    return HeldGuidance(features)


def nowhere(reference):
    first, *_ = reference.states
    return ReferenceCondition(reference.states | {first: reference.states[first] * NAN})


CASES = {
    "maps of another size": (
        lambda g, draw: {"guidance": HeldGuidance(draw(FRAMES, 16, 4, 8))},
        r"maps were drawn for latents of 8x4, these are 6x4: draw them at 48x32 px\.$",
    ),
    "maps for another network": (
        lambda g, draw: {"guidance": HeldGuidance(draw(FRAMES, 8, *SIZE))},
        r"guidance must be \(4, 16, 4, 6\), got \(4, 8, 4, 6\)",
    ),
    "no maps": (
        lambda g, draw: {"guidance": HeldGuidance(draw(0, 16, *SIZE))},
        "frames must be between 1 and",
    ),
    "a portrait of another size": (
        lambda g, draw: {"size": (4, 8), "guidance": HeldGuidance(draw(FRAMES, 16, 4, 8))},
        r"portrait was read at 24 px of latent, the maps are 8x4 = 32: give .* one size\.$",
    ),
    "a size of nothing": (
        lambda g, draw: {"size": (0, 6)},
        "latent rows and columns must be between 1",
    ),
    "a text for another network": (
        lambda g, draw: {"text": draw(1, 5, 9)},
        r"text must be \(r, s, 8\), got \(1, 5, 9\)",
    ),
    "windows longer than positions": (
        lambda g, draw: {"settings": replace(SETTINGS, windows=WindowSettings(9, 1))},
        r"^a window of 9 frames is longer than the 8 positions .*: use windows of at most 8",
    ),
    "a start of other length": (
        lambda g, draw: {"settings": replace(SETTINGS, denoise=0.5), "start": draw(7, 4, *SIZE)},
        r"clip to start from has 7 frames, the maps have 9: give as many",
    ),
    "a start of other size": (
        lambda g, draw: {
            "settings": replace(SETTINGS, denoise=0.5),
            "start": draw(FRAMES, 4, 4, 4),
        },
        r"latents to start from must be \(9, 4, 4, 6\), got \(9, 4, 4, 4\): encode",
    ),
    "a start that is no number": (
        lambda g, draw: {
            "settings": replace(SETTINGS, denoise=0.5),
            "start": draw(FRAMES, 4, *SIZE) * NAN,
        },
        r"latents to start from have numbers that are not finite",
    ),
    "maps that are no numbers": (
        lambda g, draw: {"guidance": broken(draw, frame=8, value=NAN)},
        r"^step 1 of 2: the prediction of window 3 of 3 is not finite: nor are the features of its"
        r" maps, make them again\.$",
    ),
    "a text that is no number": (
        lambda g, draw: {"text": g["text"] * NAN},
        r"^step 1 of 2: the prediction of window 1 of 3 .*: nor are the numbers of the text",
    ),
    "a portrait that is no number": (
        lambda g, draw: {"reference": nowhere(g["reference"])},
        r"^step 1 of 2: the prediction of window 1 of 3 .*: nor are the portrait's features",
    ),
    "values that overflow": (
        lambda g, draw: {"guidance": broken(draw, value=1e38)},
        r"^step 1 of 2: the prediction of window 1 of 3 is not finite: use float32\.$",
    ),
}


def test_what_fits_passes(given):
    assert sample(**given).shape == (FRAMES, 4, *SIZE)


@pytest.mark.parametrize("case", CASES)
def test_what_does_not_fit_is_named(given, draw, case):
    change, message = CASES[case]
    with pytest.raises(InputError, match=message):
        sample(**given | change(given, draw))


def test_no_memory_says_what_to_lower(given, monkeypatch):
    def full(*args, **kwargs):
        raise RuntimeError("DefaultCPUAllocator: can't allocate memory: you tried to allocate 9 B")

    monkeypatch.setattr(DenoisingUNet, "forward", full)
    with pytest.raises(InputError, match=r"not enough memory for denoising: lower .* windows"):
        sample(**given)


def test_other_errors_of_the_network_pass(given, monkeypatch):
    def wrong(*args, **kwargs):
        raise RuntimeError("mat1 and mat2 shapes cannot be multiplied")

    monkeypatch.setattr(DenoisingUNet, "forward", wrong)
    with pytest.raises(RuntimeError, match="mat1 and mat2"):
        sample(**given)


@pytest.mark.parametrize(
    ("size", "near"),
    [((130, 128), "128x128"), ((512, 500), "512x496"), ((7, 8), "8x8"), ((0, 16), "8x16")],
)
def test_sizes_are_multiples(size, near):
    with pytest.raises(
        InputError, match=rf"multiples of 8 px, got {size[0]}x{size[1]}: use {near}"
    ):
        check_size(*size)


def test_good_sizes_pass():
    check_size(8, 1024)
    check_size(6, 9, cell=3)
    check_reference(ReferenceCondition({"a": torch.zeros(1, 24, 2)}), (4, 6))


def test_a_bank_of_nothing():
    with pytest.raises(InputError, match="read at 0 px of latent"):
        check_reference(ReferenceCondition({}), (4, 6))


def test_maps_of_odd_sizes(draw):
    encoder = GuidanceEncoder(SMALL).eval()
    with pytest.raises(InputError, match=r"multiples of 8 px, got 20x16: use 16x16"):
        encoder(draw(1, 3, 16, 20))


def test_maps_of_more_frames_than_asked(draw):
    encoders = {"depth": GuidanceEncoder(SMALL).eval()}
    lazy = LazyGuidance(encoders, lambda frames: {"depth": draw(2, 3, 16, 16)}, length=5)
    with pytest.raises(InputError, match=r"^1 frame of maps was asked for, 2 came"):
        lazy.frames([0, 1, 2])
