"""How far a run is, as pictures: what each step would end at."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import torch
import torch.nn.functional as F
from torch import Tensor

from ..diffusion.vae import VAE
from ..looking.contact_sheet import CELL, Row, write_contact_sheet
from ..pictures import to_uint8
from .runs import PREVIEWS

_FRAMES = 4
_PX = 8  #: of a picture for one of a latent


def step_pictures(folder: Path, vae: VAE, steps: int) -> Callable[..., None]:
    """What `diffusion.sampler.sample` calls after each step: a row of frames from all over the
    clip, previews/step_01.jpg, decoded from latents no larger than they are shown.

    folder: the run's.
    """
    place = folder / PREVIEWS

    @torch.no_grad()
    def show(number: int, after: Tensor, prediction: Tensor, clean: Tensor) -> None:
        count = min(_FRAMES, len(clean))
        chosen = sorted({round(i * (len(clean) - 1) / max(count - 1, 1)) for i in range(count)})
        latents = clean[chosen].to(vae.place)
        scale = CELL / _PX / max(latents.shape[2:])
        if scale < 1:
            latents = F.interpolate(latents, scale_factor=scale, mode="area")
        pictures = [to_uint8(vae.decode(one[None])[0].float().cpu() / 2 + 0.5) for one in latents]
        place.mkdir(exist_ok=True)
        names = ", ".join(str(i + 1) for i in chosen)
        write_contact_sheet(
            place / f"step_{number + 1:02d}.jpg",
            [Row(f"frames {names}", [_square(picture) for picture in pictures])],
            f"step {number + 1} of {steps}",
        )

    return show


def _square(picture: Tensor) -> Tensor:
    """(3, h, w) on a square of its longer side, its edges repeated."""
    height, width = picture.shape[1:]
    side = max(height, width)
    left, top = (side - width) // 2, (side - height) // 2
    padding = (left, side - width - left, top, side - height - top)
    return F.pad(picture[None].float(), padding, mode="replicate")[0].to(torch.uint8)
