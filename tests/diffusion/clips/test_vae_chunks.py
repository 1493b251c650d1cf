"""A clip through the VAE in parts."""

import pytest
import torch

from magicportrait_core.diffusion.clips import vae_chunks
from magicportrait_core.diffusion.clips.vae_chunks import (
    decode_chunks,
    decode_frames,
    encode_frames,
)
from magicportrait_core.diffusion.layers.configs import VAEConfig
from magicportrait_core.diffusion.vae import VAE
from magicportrait_core.errors import InputError


@pytest.fixture(scope="module")
def vae() -> VAE:
    torch.manual_seed(7)
    config = VAEConfig((32, 32, 64), layers_per_block=1)
    return VAE(config).eval().requires_grad_(False)


@pytest.mark.parametrize("chunk", [1, 2, 5])
def test_frames_are_decoded_in_parts(vae, draw, chunk):
    latents = draw(3, 4, 4, 4)
    parts = list(decode_chunks(vae, latents, chunk))
    assert [len(part) for part in parts] == {1: [1, 1, 1], 2: [2, 1], 5: [3]}[chunk]
    whole = (vae.decode(latents) / 2 + 0.5).clamp(0, 1)
    torch.testing.assert_close(torch.cat(parts), whole, atol=1e-5, rtol=0)
    assert torch.equal(decode_frames(vae, latents, chunk), torch.cat(parts))
    assert whole.min() >= 0
    assert whole.max() <= 1


def test_frames_are_decoded_as_they_are_asked_for(vae, draw):
    seen = []
    hook = vae.post_quant_conv.register_forward_hook(lambda *given: seen.append(given))
    frames = decode_chunks(vae, draw(3, 4, 4, 4))
    assert not seen
    next(frames)
    hook.remove()
    assert len(seen) == 1


def test_frames_are_encoded_as_they_come(vae, draw):
    pictures = draw(5, 3, 16, 24).sigmoid()
    latents = encode_frames(vae, iter(pictures.split(2)))
    torch.testing.assert_close(latents, vae.encode(2 * pictures - 1), atol=1e-5, rtol=0)


@pytest.mark.parametrize("whole", [16, 768])
def test_large_frames_go_in_strips(vae, draw, whole, monkeypatch):
    """And small ones do not; both give the same."""
    went = []
    for name in ("encode_in_strips", "decode_in_strips"):
        kept = getattr(vae_chunks, name)
        monkeypatch.setattr(vae_chunks, name, lambda *a, f=kept: went.append(f) or f(*a))
    pictures = draw(1, 3, 16, 24).sigmoid()
    latents = encode_frames(vae, [pictures], whole)
    frames = torch.cat(list(decode_chunks(vae, latents, 1, whole)))
    assert len(went) == (2 if whole == 16 else 0)
    torch.testing.assert_close(latents, vae.encode(2 * pictures - 1), atol=1e-5, rtol=0)
    expected = (vae.decode(latents) / 2 + 0.5).clamp(0, 1)
    torch.testing.assert_close(frames, expected, atol=1e-5, rtol=0)


@pytest.mark.parametrize(
    ("pictures", "message"),
    [
        ([], "no frames to encode"),
        ([torch.zeros(1, 3, 16, 18)], "multiples of 4 px, got 18x16: use 16x16"),
        ([torch.zeros(1, 3, 16, 16), torch.zeros(1, 3, 16, 20)], "of several sizes"),
        ([torch.zeros(1, 4, 16, 16)], "pictures must be"),
        ([torch.full((1, 3, 16, 16), float("nan"))], "latents after frame 0 .* not finite"),
    ],
)
def test_frames_that_cannot_be_encoded(vae, pictures, message):
    with pytest.raises(InputError, match=message):
        encode_frames(vae, pictures)


def test_frames_that_cannot_be_decoded(vae, draw):
    latents = draw(3, 4, 4, 4)
    latents[2] = float("inf")
    frames = decode_chunks(vae, latents)
    next(frames)
    next(frames)
    with pytest.raises(InputError, match=r"decoded after frame 2 .* not finite"):
        next(frames)
    with pytest.raises(InputError, match="latents must be"):
        next(decode_chunks(vae, draw(1, 3, 4, 4)))
