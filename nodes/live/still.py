"""The still editor's live preview: while a slider moves, the page asks for the picture here."""

from __future__ import annotations

from dataclasses import dataclass, fields
from io import BytesIO

from PIL import Image
from torch import Tensor

from ...magicportrait_core.preview import FaceSliders, edit_still
from ...magicportrait_core.preview.live import reduced
from ...magicportrait_core.types import FaceTrack
from ..graphs.held import Held
from ..media.convert import to_uint8
from .values import known_values

SLIDERS = tuple(field.name for field in fields(FaceSliders))


@dataclass(frozen=True)
class Portrait:
    """What a run of the node worked on, at the size of a screen."""

    picture: Tensor  #: (3, h, w) float 0..1
    track: FaceTrack

    def edited(self, sliders: dict) -> bytes:
        """A JPEG file. Raises InputError where a slider cannot be so; one not told stands at 0."""
        settings = FaceSliders(**known_values(sliders, SLIDERS))
        edited = to_uint8(edit_still(self.picture, self.track, settings)).movedim(0, -1)
        buffer = BytesIO()
        Image.fromarray(edited.cpu().numpy()).save(buffer, "JPEG", quality=90)
        return buffer.getvalue()


held_portraits: Held[Portrait] = Held(8)


def hold_portrait(node_id: str, picture: Tensor, track: FaceTrack) -> dict:
    """Keep a run's picture, (3, h, w) float 0..1, and its track, reduced; the node's ``ui``."""
    return held_portraits.hold(node_id, Portrait(*reduced(picture, track)), settings=False)
