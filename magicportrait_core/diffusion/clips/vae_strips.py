"""The VAE over a large picture in strips of rows: the same numbers on less memory.

Tiles that are encoded or decoded apart have norms and an attention of their own, so they differ
from the whole in colour, and show it at their seams. Here only convolutions are cut: norms are
taken over the whole picture first, then each strip is normalised, convolved with the two rows
above and below it, and put in its place. What stays are the layers' outputs, one or two at a time;
attention, at an eighth of the size, is whole. Decoding 768x768 px in float32 takes 1.4 GB so, 2.25
GB whole, in the same time.
"""

from __future__ import annotations

from collections.abc import Callable

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from ..layers.resnet import ResnetBlock
from ..vae import LATENT_SCALE, VAE

#: pixels of a layer's strip
STRIP_PIXELS = 1 << 15
#: rows beside a strip that its convolutions see; even, for some halve the size
_HALO = 2

Part = Callable[[Tensor], Tensor]


def encode_in_strips(vae: VAE, pictures: Tensor, pixels: int = STRIP_PIXELS) -> Tensor:
    """As VAE.encode, of which the plain twin is the sizes' judge: (n, 3, h, w) in -1..1."""
    encoder = vae.encoder
    x = _strips(encoder.conv_in, pictures, pixels)
    for block in encoder.down_blocks:
        x = _level(block, x, pixels, (2, 1))
    x = encoder.mid_block(x, vae.attention)
    norm = _Norm(encoder.conv_norm_out, x)
    moments = vae.quant_conv(_strips(lambda part: encoder.conv_out(norm(part)), x, pixels))
    return moments.chunk(2, dim=1)[0] * LATENT_SCALE


def decode_in_strips(vae: VAE, latents: Tensor, pixels: int = STRIP_PIXELS) -> Tensor:
    """As VAE.decode."""
    decoder = vae.decoder
    x = decoder.conv_in(vae.post_quant_conv(latents / LATENT_SCALE))
    x = decoder.mid_block(x, vae.attention)
    for block in decoder.up_blocks:
        x = _level(block, x, pixels, (1, 2))
    norm = _Norm(decoder.conv_norm_out, x)
    return _strips(lambda part: decoder.conv_out(norm(part)), x, pixels)


class _Norm:
    """A group norm and its SiLU, the means and deviations those of a whole picture."""

    def __init__(self, norm: nn.GroupNorm, x: Tensor) -> None:
        groups = x.unflatten(1, (norm.num_groups, -1))
        moments = [
            torch.var_mean(groups[:, i].float(), (1, 2, 3), correction=0)
            for i in range(norm.num_groups)
        ]
        variance, mean = (torch.stack(m, 1)[..., None] for m in zip(*moments, strict=True))
        by_group = norm.weight.float().unflatten(0, (norm.num_groups, -1))
        scale = by_group / (variance + norm.eps).sqrt()  # (n, groups, c / groups)
        shift = (-mean * scale).flatten(1) + norm.bias.float()
        self._scale = scale.flatten(1)[..., None, None]
        self._shift = shift[..., None, None]

    def __call__(self, part: Tensor) -> Tensor:  # (n, c, rows, w) -> the same
        return F.silu(torch.addcmul(self._shift, part.float(), self._scale).to(part.dtype))


def _level(block: nn.Module, x: Tensor, pixels: int, resize: tuple[int, int]) -> Tensor:
    """A Level of the VAE. resize: rows before and after."""
    for resnet in block.resnets:
        x = _resnet(resnet, x, pixels)
    for layer in getattr(block, block.resize_name, ()):
        x = _strips(layer, x, pixels, *resize)
    return x


def _resnet(block: ResnetBlock, x: Tensor, pixels: int) -> Tensor:
    norm = _Norm(block.norm1, x)
    y = _strips(lambda part: block.conv1(norm(part)), x, pixels)
    norm = _Norm(block.norm2, y)
    _strips_in_place(lambda part: block.conv2(norm(part)), y, pixels)
    if block.conv_shortcut is None:
        return y.add_(x)
    for rows in _rows(x, pixels):
        y[:, :, rows] += block.conv_shortcut(x[:, :, rows])
    return y


def _strips(run: Part, x: Tensor, pixels: int, into: int = 1, out: int = 1) -> Tensor:
    """``run`` over strips of x (n, c, h, w), each with its halo. Of ``into`` rows come ``out``.

    Rows that ``run`` made of the halo, where it padded with zeros, are dropped.
    """
    made: Tensor | None = None
    for rows in _rows(x, pixels):
        top, bottom = max(0, rows.start - _HALO), rows.stop + _HALO
        y = run(x[:, :, top:bottom])
        kept = slice((rows.start - top) * out // into, (rows.stop - top) * out // into)
        if made is None:
            made = y.new_empty(*y.shape[:2], x.shape[2] * out // into, y.shape[3])
        made[:, :, rows.start * out // into : rows.stop * out // into] = y[:, :, kept]
    return made


def _strips_in_place(run: Part, x: Tensor, pixels: int) -> None:
    """As _strips, for a ``run`` that keeps the shape; what it makes takes x's place."""
    above = x[:, :, :0]  # rows as they were before the strip above was overwritten
    for rows in _rows(x, pixels):
        part = torch.cat([above, x[:, :, rows.start : rows.stop + _HALO]], 2)
        top, above = above.shape[2], x[:, :, rows][:, :, -_HALO:].clone()
        x[:, :, rows] = run(part)[:, :, top : top + rows.stop - rows.start]


def _rows(x: Tensor, pixels: int) -> list[slice]:
    """Strips of an even number of rows and about so many pixels."""
    step = max(2, pixels // x.shape[3] // 2 * 2)
    height = x.shape[2]
    return [slice(start, min(start + step, height)) for start in range(0, height, step)]
