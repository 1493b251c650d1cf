"""Tiny models in the official layout, and the official keys they must have."""

import json

import pytest
import torch

from magicportrait_core.diffusion.checkpoints import official_shapes
from magicportrait_core.diffusion.checkpoints.model_files import find_model_files
from magicportrait_core.diffusion.checkpoints.models import load_models
from magicportrait_core.diffusion.checkpoints.tiny_models import make_tiny
from magicportrait_core.diffusion.clips.clip_layout import predict_clip
from magicportrait_core.diffusion.layers.configs import GuidanceConfig, UNetConfig, VAEConfig
from magicportrait_core.errors import InputError
from magicportrait_core.weights.state_files import read_state


@pytest.mark.parametrize(
    ("name", "shapes", "config"),
    [
        ("denoising_unet", official_shapes.denoising_shapes, UNetConfig()),
        ("reference_unet", official_shapes.reference_shapes, UNetConfig()),
        ("guidance_encoder", official_shapes.guidance_shapes, GuidanceConfig()),
        ("vae_expected", official_shapes.vae_shapes, VAEConfig()),
    ],
)
def test_official_keys_and_shapes(goldens, name, shapes, config):
    manifest = json.loads((goldens / "diffusion" / f"manifest_{name}.json").read_text())
    assert shapes(config) == {key: tuple(shape) for key, shape in manifest.items()}


@pytest.mark.parametrize("golden_widths", [False, True])
def test_the_same_seed_gives_the_same_bytes(tmp_path, golden_widths):
    first = make_tiny(tmp_path / "a", golden_widths, seed=3)
    again = make_tiny(tmp_path / "b", golden_widths, seed=3)
    other = make_tiny(tmp_path / "c", golden_widths, seed=4)
    for one, two, three in zip(first, again, other, strict=True):
        assert one.read_bytes() == two.read_bytes() != three.read_bytes()
    assert sum(path.stat().st_size for path in first) < 30e6


def test_nothing_is_overwritten(tmp_path):
    make_tiny(tmp_path)
    with pytest.raises(InputError, match=r"denoising_unet\.pth is there already"):
        make_tiny(tmp_path)


def test_golden_widths_are_those_of_the_goldens(goldens, tmp_path):
    make_tiny(tmp_path, golden_widths=True)
    folder = tmp_path / "magicportrait"
    golden = read_state(goldens / "diffusion" / "tiny_denoising_unet.safetensors")
    made = read_state(folder / "denoising_unet.pth")
    made |= read_state(folder / "motion_module-47360.pth")
    assert {k: t.shape for k, t in made.items()} == {k: t.shape for k, t in golden.items()}


def test_they_compute_ordinary_numbers(tmp_path):
    make_tiny(tmp_path)
    models = load_models(find_model_files(tmp_path))
    assert models.text.shape == (1, 77, 768)
    noise = torch.Generator().manual_seed(0)

    def draw(*shape):
        return torch.randn(shape, generator=noise)

    bank = models.reference(0.2 * draw(1, 4, 8, 8), models.text)
    guidance = sum(encoder(draw(2, 3, 64, 64).clamp(0, 1)) for encoder in models.encoders.values())
    told = guidance.transpose(0, 1)[None]
    v = predict_clip(models.unet, draw(1, 4, 2, 8, 8), 500.0, models.text, told, bank)
    picture = models.vae.decode(draw(1, 4, 8, 8))
    for values in (guidance, v, picture):
        assert 0.1 < values.std() < 10
