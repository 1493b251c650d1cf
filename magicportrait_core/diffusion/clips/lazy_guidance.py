"""Guidance made when it is asked for: maps -> encoders, behind a cache of bounded size."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence

import torch
from torch import Tensor

from ...errors import InputError
from ...types import MotionGuidance
from ..guidance_encoder import GuidanceEncoder, encode_guidance

#: frame numbers -> kind of map -> (n, 3, h, w) in 0..1, as the encoders were trained to see them
MapSource = Callable[[Sequence[int]], Mapping[str, Tensor]]

CACHE_BYTES = 1 << 30  #: 400 frames at 512 px in half precision


class LazyGuidance(MotionGuidance):
    """The features of a clip of any length.

    A sampler goes through all windows at every step, so a cache that drops the oldest frame would
    drop each one before it is asked for again. This one keeps the frames that came first, up to
    ``cache_bytes``, and of the others those of the last call alone, which the next window shares.
    """

    def __init__(
        self,
        encoders: Mapping[str, GuidanceEncoder],
        maps: MapSource,
        length: int,
        cache_bytes: int = CACHE_BYTES,
        dtype: torch.dtype | None = None,
        place: tuple[torch.device, torch.dtype] | None = None,
    ) -> None:
        """
        Args:
            encoders: kind of map -> its encoder, all on one device.
            maps: gives the maps of the frames asked for.
            length: frames of the clip.
            dtype: of the features kept; None: the encoders'.
            place: where and in what the encoders compute; None: as their weights are kept.
        """
        self._encoders, self._maps, self._length = encoders, maps, length
        self._room, self._dtype, self._place = cache_bytes, dtype, place
        self._kept: dict[int, Tensor] = {}
        self._last: dict[int, Tensor] = {}

    def __len__(self) -> int:
        return self._length

    @torch.no_grad()
    def frames(self, indices: Sequence[int]) -> Tensor:
        """(n, c, h, w) on the CPU."""
        wanted = [int(i) for i in indices]
        if wanted and not (min(wanted) >= 0 and max(wanted) < self._length):
            raise InputError(f"frames must be 0..{self._length - 1}, got {wanted}")
        known = {i: self._kept[i] if i in self._kept else self._last.get(i) for i in wanted}
        missing = [i for i, features in known.items() if features is None]
        known.update((i, self._encode(i)) for i in missing)
        self._remember(known)
        return torch.stack([known[i] for i in wanted])

    def _encode(self, frame: int) -> Tensor:
        """(c, h, w): alone, for the last bits of a batch depend on how many are in it, and which
        frames are missing depends on where a run began."""
        weight = next(iter(next(iter(self._encoders.values())).parameters()))
        device, dtype = self._place or (weight.device, weight.dtype)
        maps = {kind: batch.to(device, dtype) for kind, batch in self._maps([frame]).items()}
        features = encode_guidance(self._encoders, maps).to("cpu", self._dtype)
        if len(features) != 1:
            raise InputError(f"1 frame of maps was asked for, {len(features)} came.")
        return features[0]

    def _remember(self, known: dict[int, Tensor]) -> None:
        self._last = {}
        for i, features in known.items():
            size = features.numel() * features.element_size()
            if i not in self._kept and self._room >= size:
                self._kept[i] = features
                self._room -= size
            elif i not in self._kept:
                self._last[i] = features
