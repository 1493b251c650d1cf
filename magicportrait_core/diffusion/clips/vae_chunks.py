"""A clip through the VAE a few frames at a time, large frames in strips: memory stays flat."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

import torch
from torch import Tensor

from ...checks import check_range, check_shape
from ...errors import InputError
from ..inputs import check_finite, check_size
from ..memory.shortage import naming_shortage
from ..vae import VAE
from .vae_strips import decode_in_strips, encode_in_strips

#: px of the longest side of a frame that goes through the network whole; larger ones, in strips
WHOLE = 768
_LOWER = "the picture's size, or the frames at once"


@torch.no_grad()
def encode_frames(vae: VAE, pictures: Iterable[Tensor], whole: int = WHOLE) -> Tensor:
    """Frames to latents, (t, 4, h/8, w/8) float32 on the CPU.

    pictures: (n, 3, h, w) in 0..1, one batch after another, each encoded as it comes. Raises
    InputError for sides that are no multiples of 8 px, for batches of several sizes, for no
    frames, and for latents that are not finite.
    """
    latents: list[Tensor] = []
    for batch in pictures:
        check_shape("pictures", batch, "n", vae.config.in_channels, "h", "w")
        check_size(batch.shape[3], batch.shape[2], _cell(vae))
        with naming_shortage("encoding frames", _LOWER):
            made = encode_pictures(vae, 2 * batch.to(vae.place) - 1, whole).float().cpu()
        check_finite(f"the latents after frame {sum(map(len, latents))}", made)
        if latents and made.shape[1:] != latents[0].shape[1:]:
            raise InputError("the frames to encode are of several sizes: give them one.")
        latents.append(made)
    if not latents:
        raise InputError("there are no frames to encode.")
    return torch.cat(latents)


def encode_pictures(vae: VAE, pictures: Tensor, whole: int = WHOLE) -> Tensor:
    """As VAE.encode, (n, 3, h, w) in -1..1, large ones in strips."""
    encode = encode_in_strips if max(pictures.shape[2:]) > whole else VAE.encode
    return encode(vae, pictures)


@torch.no_grad()
def decode_chunks(
    vae: VAE, latents: Tensor, chunk: int = 1, whole: int = WHOLE
) -> Iterator[Tensor]:
    """Latents (t, 4, h, w) to frames (n, 3, 8h, 8w) RGB float32 0..1 on the CPU, ``chunk`` at once.

    Raises InputError for a frame that is not finite.
    """
    check_range("frames at once", chunk, 1, 1 << 20)
    check_shape("latents", latents, "t", vae.config.latent_channels, "h", "w")
    for start in range(0, len(latents), chunk):
        part = latents[start : start + chunk].to(vae.place)
        with naming_shortage("decoding frames", _LOWER):
            large = _cell(vae) * max(part.shape[2:]) > whole
            frames = (decode_in_strips if large else VAE.decode)(vae, part).float().cpu()
        check_finite(f"the frames decoded after frame {start}", frames)
        yield (frames / 2 + 0.5).clamp(0, 1)


def decode_frames(vae: VAE, latents: Tensor, chunk: int = 1) -> Tensor:
    """All frames of a short clip, (t, 3, 8h, 8w) RGB float32 0..1."""
    return torch.cat(list(decode_chunks(vae, latents, chunk)))


def _cell(vae: VAE) -> int:
    """px of a picture for one of a latent, 8 in Stable Diffusion's."""
    return 2 ** (len(vae.config.block_out_channels) - 1)
