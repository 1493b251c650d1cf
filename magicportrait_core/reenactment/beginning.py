"""Latents to start from: a clip's frames, encoded, where less than all noise is wanted."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import torch
import torch.nn.functional as F
from safetensors.torch import load_file, save_file
from torch import Tensor

from ..diffusion.clips.vae_chunks import encode_frames
from ..diffusion.vae import VAE
from ..errors import InputError
from ..files import replacing
from ..pictures import to_float
from ..preview import MotionSettings, reenact_frames
from ..types import Progress, TransferSettings, VideoClip
from ..video import open_video
from .motion import Found
from .runs import START, RunFolder
from .settings import PREVIEW

_BATCH = 4  #: frames that are held at once


def open_start(init: str | Path | None, frames: int) -> VideoClip | None:
    """The clip named by ``init``, of so many frames; None: there is none, or one is made here."""
    if init is None or init == PREVIEW:
        return None
    clip = open_video(init)
    if clip.frame_count != frames:
        raise InputError(
            f"{clip.name} has {clip.frame_count} frames, the driver has {frames}: start from a "
            "clip that was made with the same driver and the same part of it."
        )
    return clip


def start_latents(
    init: str | Path | None,
    found: Found,
    source_size: tuple[int, int],
    vae: VAE,
    folder: RunFolder,
    device: torch.device,
    progress: Progress,
) -> Tensor | None:
    """(t, 4, h, w) float32, or None where ``init`` is; made once and kept in the run folder.

    source_size: (h, w) px of the portrait's whole picture. Raises InputError for a clip of
    another length or shape.
    """
    if init is None:
        return None
    path = folder.file(START)
    if not path.is_file():
        clip = open_start(init, len(found.motion))
        if clip is None:
            frames = _preview(found, device, progress)
        else:
            frames = _of_clip(clip, found, source_size, progress)
        latents = encode_frames(vae, frames)
        with replacing(path) as temporary:
            save_file({"latents": latents.contiguous()}, temporary)
    return load_file(path)["latents"]


def _preview(found: Found, device: torch.device, progress: Progress) -> Iterator[Tensor]:
    """The preview engine's clip of the cut out portrait."""
    if found.driver_face is None:
        raise InputError(
            "The preview engine needs the driver's face: give the clip, not its head track, or "
            "start from a clip."
        )
    settings = preview_settings(found.motion.settings)
    yield from reenact_frames(
        to_float(found.picture), found.own_face, found.driver_face, settings,
        device=device, progress=progress,
    )  # fmt: skip


def preview_settings(transfer: TransferSettings) -> MotionSettings:
    """The nearest that the preview engine has."""

    def within(gain: float) -> float:
        return min(max(gain, 0.0), 2.0)

    return MotionSettings(
        pose=within((transfer.yaw + transfer.pitch + transfer.roll) / 3),
        expression=within(transfer.expression),
        mode=transfer.mode,
        neutral_frame=transfer.neutral_frame,
    )


def _of_clip(
    clip: VideoClip, found: Found, source_size: tuple[int, int], progress: Progress
) -> Iterator[Tensor]:
    """A clip of the portrait's whole picture, cut as it was; or of the cut out part."""
    size = (clip.height, clip.width)
    height, width = found.picture.shape[1:]
    whole = size == source_size
    if not whole and abs(clip.width * height - clip.height * width) > max(size):
        raise InputError(
            f"{clip.name} is {clip.width}x{clip.height} px: start from a clip of the portrait's "
            f"whole picture, {source_size[1]}x{source_size[0]}, or of the shape {width}x{height}."
        )
    done = 0
    for batch in clip.batches(_BATCH):
        progress("encoding the start", done, clip.frame_count)
        pictures = to_float(batch)
        if whole:
            pictures = _cut(pictures, found.motion.portrait_from_source, (height, width))
        yield _sized(pictures, (height, width))
        done += len(batch)
    progress("encoding the start", clip.frame_count, clip.frame_count)


def _cut(pictures: Tensor, from_source: Tensor, size: tuple[int, int]) -> Tensor:
    """The part (n, 3, ...) that was cut out of the portrait; outside, edges go on."""
    scale = float(from_source[0, 0])
    left, top = ((0.5 - 0.5 / scale) - from_source[:2, 2] / scale).round().long().tolist()
    rows, columns = (round(side / scale) for side in size)
    y = torch.arange(top, top + rows).clamp(0, pictures.shape[2] - 1)
    x = torch.arange(left, left + columns).clamp(0, pictures.shape[3] - 1)
    return pictures[:, :, y][..., x]


def _sized(pictures: Tensor, size: tuple[int, int]) -> Tensor:
    if tuple(pictures.shape[2:]) == size:
        return pictures
    return F.interpolate(pictures, size, mode="bicubic", antialias=True).clamp(0, 1)
