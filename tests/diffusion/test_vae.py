"""The autoencoder. The goldens hold its numbers."""

import pytest
import torch

from magicportrait_core.diffusion.checkpoints.loading import build_module, rename_vae_attention
from magicportrait_core.diffusion.layers.configs import VAEConfig
from magicportrait_core.diffusion.vae import LATENT_SCALE, VAE
from magicportrait_core.errors import InputError


@pytest.fixture(scope="module")
def vae() -> VAE:
    torch.manual_seed(7)
    config = VAEConfig((32, 32, 64), layers_per_block=1)
    return VAE(config).eval().requires_grad_(False)


def test_shapes(vae, draw):
    latents = vae.encode(draw(2, 3, 16, 24))
    assert latents.shape == (2, 4, 4, 6)
    assert vae.decode(latents).shape == (2, 3, 16, 24)


def test_encode_is_the_scaled_mean(vae, draw):
    """Half of the moments are log variances, which change nothing."""
    picture = draw(1, 3, 16, 16)
    before = vae.encode(picture)
    seen = []
    hook = vae.quant_conv.register_forward_hook(lambda module, given, out: seen.append(out))
    vae.encode(picture)
    hook.remove()
    torch.testing.assert_close(before, seen[0][:, :4] * LATENT_SCALE)


def test_old_names_are_the_same_weights(vae, draw):
    """Early files call the attention's layers query, key, value, proj_attn; some are 1x1 convs."""
    new = vae.state_dict()
    old = {}
    names = {"to_q": "query", "to_k": "key", "to_v": "value", "to_out.0": "proj_attn"}
    for key, tensor in new.items():
        for now, then in names.items():
            if f".{now}." in key:
                key = key.replace(now, then)
                tensor = tensor[..., None, None] if tensor.ndim == 2 else tensor
        old[key] = tensor
    assert set(old) != set(new)
    renamed = rename_vae_attention(old)
    assert set(renamed) == set(new)
    latents = draw(1, 4, 4, 4)
    torch.testing.assert_close(build_module("vae", old).decode(latents), vae.decode(latents))


def test_sides_must_halve(vae, draw):
    with pytest.raises(InputError, match="multiples of 4 px, got 18x16: use 16x16"):
        vae.encode(draw(1, 3, 16, 18))
