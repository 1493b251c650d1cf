"""FLAME's texture space; that other files are refused is tested in test_convert_parts."""

import pytest
import torch
from safetensors.torch import load_file

from magicportrait_core.flame.importers.texture import convert_texture
from magicportrait_core.flame.texture import albedo
from tests.golden_head import official_texture


def test_the_golden_texture(goldens):
    folder = goldens / "geometry"
    stored = load_file(folder / "render224.safetensors")
    texture = convert_texture(*official_texture(folder))
    got = albedo(texture, stored["p0.in.tex"][0])
    expected = stored["p0.flametex_albedo"][0]
    assert (got - expected).norm() / expected.norm() < 1e-6


def test_every_other_texel_red_first_and_50_components():
    mean = torch.zeros(512, 512, 3)
    mean[2, 4] = torch.tensor([10.0, 20.0, 255.0])
    mean[3, 5] = 99
    basis = torch.zeros(1, 1, 3, 51).expand(512, 512, 3, 51)
    texture = convert_texture(mean, basis)
    assert texture["basis"].shape == (50, 3, 256, 256)
    assert texture["mean"][:, 1, 2].tolist() == pytest.approx([1.0, 20 / 255, 10 / 255])
    assert texture["mean"].count_nonzero() == 3


def test_coefficients_weigh_components():
    texture = {"mean": torch.zeros(3, 256, 256), "basis": torch.ones(50, 3, 256, 256)}
    assert (albedo(texture, torch.arange(50.0)) == 1225).all()
