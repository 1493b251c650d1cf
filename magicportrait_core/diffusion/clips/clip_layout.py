"""Between a clip as one tensor (1, c, t, h, w) and as a batch of frames (t, c, h, w)."""

from __future__ import annotations

from torch import Tensor

from ...checks import check_shape
from ...types import ChunkCondition, ReferenceCondition
from ..layers.memo import Memo
from ..unet import DenoisingUNet


def clip_to_frames(clip: Tensor) -> Tensor:
    """(k, c, t, h, w) -> (k * t, c, h, w), the frames of each clip in a row."""
    check_shape("clip", clip, "k", "c", "t", "h", "w")
    return clip.transpose(1, 2).flatten(0, 1)


def frames_to_clip(frames: Tensor, clips: int = 1) -> Tensor:
    """(clips * t, c, h, w) -> (clips, c, t, h, w)."""
    check_shape("frames", frames, "t", "c", "h", "w")
    return frames.unflatten(0, (clips, -1)).transpose(1, 2)


def predict_clip(
    unet: DenoisingUNet,
    latents: Tensor,
    timestep: float,
    text: Tensor,
    guidance: Tensor | None,
    reference: ReferenceCondition,
    unconditional: bool = True,
    memo: Memo | None = None,
) -> Tensor:
    """One prediction for one window.

    latents: (1, 4, n, h, w); text: (1, s, c); guidance: (1, 320, n, h, w). Returns v,
    (2, 4, n, h, w), the unconditional half first, or (1, 4, n, h, w) without that half.
    """
    check_shape("latents", latents, 1, "c", "n", "h", "w")
    features = None if guidance is None else clip_to_frames(guidance)
    chunks = [ChunkCondition(features, reference)]
    if unconditional:
        chunks.insert(0, ChunkCondition(features, None))
    x = clip_to_frames(latents.expand(len(chunks), *latents.shape[1:]))
    return frames_to_clip(unet(x, timestep, text, chunks, memo=memo), len(chunks))
