"""Maps for the encoders, from the GEOMETRY_MAPS socket, from pictures, or some of each."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from fractions import Fraction

from torch import Tensor

from ...magicportrait_core.diffusion.guidance_encoder import KINDS
from ...magicportrait_core.errors import InputError
from ...magicportrait_core.motion.guidance_maps import encoder_maps
from ...magicportrait_core.types import AudioSource
from ..media.convert import image_to_core
from ..sockets import Maps


@dataclass(frozen=True)
class MapInputs:
    """What one run is driven by."""

    maps: Maps | None
    pictures: Mapping[str, Tensor]  #: kind -> IMAGE (t, h, w, c) in its place; normals 0.5 + 0.5 n

    def __len__(self) -> int:
        if self.maps is not None:
            return len(self.maps.maps)
        return len(next(iter(self.pictures.values())))

    def __call__(self, frames: Sequence[int]) -> dict[str, Tensor]:
        """Kind -> (n, 3, h, w) in 0..1, as the encoders were trained to see them."""
        rendered = {}
        if self.maps is not None and set(self.pictures) != set(KINDS):
            rendered = encoder_maps(self.maps.maps, frames)
        given = {kind: image_to_core(p[list(frames)]) for kind, p in self.pictures.items()}
        if "normal" in given:  # the negative half is cut, for the model was trained on that
            given["normal"] = (2 * given["normal"] - 1).clamp(0, 1)
        return {kind: given.get(kind, rendered.get(kind)) for kind in KINDS}

    @property
    def fps(self) -> Fraction | None:
        """None where only pictures were given."""
        return None if self.maps is None else self.maps.maps.fps

    @property
    def audio(self) -> AudioSource | None:
        return None if self.maps is None else self.maps.audio

    def check(self, portrait: Tensor) -> None:
        """Raise InputError where the inputs do not fit one another. portrait: IMAGE."""
        absent = [kind for kind in KINDS if kind not in self.pictures]
        if self.maps is None and absent:
            rest = f"{' and '.join(absent)} too" if self.pictures else "depth, normal and render"
            raise InputError(
                "maps is not wired: wire Render Geometry Maps' maps output into it, or pictures "
                f"into {rest}."
            )
        lengths = {kind: len(picture) for kind, picture in self.pictures.items()}
        sizes = {kind: tuple(picture.shape[1:3]) for kind, picture in self.pictures.items()}
        if self.maps is not None:
            lengths = {"maps": len(self.maps.maps)} | lengths
            sizes = {"maps": (self.maps.maps.height, self.maps.maps.width)} | sizes
        if len(set(lengths.values())) > 1:
            told = ", ".join(f"{name} {number}" for name, number in lengths.items())
            raise InputError(f"the inputs differ in frames ({told}): give as many of each.")
        self._check_sizes(tuple(portrait.shape[1:3]), sizes)

    def _check_sizes(self, own: tuple[int, int], sizes: Mapping[str, tuple[int, int]]) -> None:
        for name, size in sizes.items():
            if size == own:
                continue
            todo = (
                "wire FLAME Track's portrait_crop output into portrait_crop, and render the maps "
                "at its size."
                if name == "maps"
                else "give them the size of the portrait crop."
            )
            raise InputError(
                f"portrait_crop is {own[1]}x{own[0]} px, {name} {size[1]}x{size[0]}: {todo}"
            )
        if own[0] % 8 or own[1] % 8:
            raise InputError(
                f"portrait_crop is {own[1]}x{own[0]} px: both sides must be multiples of 8."
            )
