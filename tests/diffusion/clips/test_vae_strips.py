"""Strips of a picture are the whole picture, to within rounding."""

import pytest
import torch

from magicportrait_core.diffusion.clips.vae_strips import decode_in_strips, encode_in_strips
from magicportrait_core.diffusion.layers.configs import VAEConfig
from magicportrait_core.diffusion.vae import VAE
from tests.tiny_networks import tiny_network


@pytest.fixture(scope="module")
def vae() -> VAE:
    torch.manual_seed(7)
    config = VAEConfig((16, 16, 32), layers_per_block=1, norm_groups=8)
    return VAE(config).eval().requires_grad_(False)


def close(got, want):
    assert got.dtype == want.dtype
    assert (got - want).norm() / want.norm() < 1e-5


@pytest.mark.parametrize("pixels", [1, 100, 333, 1 << 20])
@pytest.mark.parametrize("size", [(40, 24), (24, 40), (4, 4), (8, 68)])
def test_they_are_the_whole(vae, draw, pixels, size):
    """From strips of two rows, at every level, to one strip."""
    pictures = draw(2, 3, *size)
    latents = vae.encode(pictures)
    close(encode_in_strips(vae, pictures, pixels), latents)
    close(decode_in_strips(vae, latents, pixels), vae.decode(latents))


def test_they_are_the_whole_on_the_goldens_weights(goldens):
    vae = tiny_network(goldens / "diffusion", "vae")
    torch.manual_seed(0)
    pictures = 2 * torch.rand(1, 3, 128, 64) - 1
    latents = vae.encode(pictures)
    close(encode_in_strips(vae, pictures, 512), latents)
    close(decode_in_strips(vae, latents, 512), vae.decode(latents))


def test_inputs_stay_as_they_are(vae, draw):
    pictures = draw(1, 3, 16, 16)
    latents = vae.encode(pictures)
    kept = pictures.clone(), latents.clone()
    encode_in_strips(vae, pictures, 64)
    decode_in_strips(vae, latents, 64)
    assert pictures.equal(kept[0])
    assert latents.equal(kept[1])


def test_half_precision(vae, draw):
    """bfloat16 through both ways is as far from float32 by one as by the other."""
    half = VAE(vae.config, dtype=torch.bfloat16).eval()
    half.load_state_dict(vae.state_dict())
    latents = vae.encode(draw(1, 3, 24, 16))
    want = vae.decode(latents)
    plain = (half.decode(latents.bfloat16()) - want).norm()
    strips = (decode_in_strips(half, latents.bfloat16(), 64) - want).norm()
    assert strips < 1.5 * plain
    assert plain < 0.05 * want.norm()
