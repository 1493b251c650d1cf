"""Pictures side by side under captions, one clip to look at."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path

import numpy as np
import torch
from PIL import Image, ImageDraw, ImageFont
from torch import Tensor

from ..errors import InputError
from ..looking.mesh_overlay import MeshOverlay, Window
from ..render import normal_to_image, to_bytes
from ..render.maps import RenderedMaps
from ..types import MapBatch, Progress, VideoClip
from ..video import VideoWriter
from .maps_scene import Scene

MAPS = ("depth", "normal", "render", "mask")
SHOWN = MAPS[:3]  #: of them in the film
BATCH = 8  #: frames that are held at once
_PAPER, _INK = (22, 24, 29), (222, 226, 232)
_GAP, _BAR = 6, 16  #: px between pictures at most; the caption's bar is 1/16 of their height ...
_LEAST_BAR = 20  #: ... and at least so many px


def map_pictures(batch: MapBatch) -> dict[str, Tensor]:
    """The maps as people look at them, name -> (n, 3, h, w) uint8 on the CPU.

    Normals are 0.5 + 0.5 n, so that all of them can be seen.
    """
    images = {
        "depth": batch.depth.expand(-1, 3, -1, -1),
        "normal": normal_to_image(batch.normal),
        "render": batch.render,
        "mask": batch.mask.expand(-1, 3, -1, -1),
    }
    return {name: to_bytes(image).cpu() for name, image in images.items()}


class Film:
    """Where each picture stands; all have one height."""

    def __init__(self, captions: list[str], widths: list[int], height: int) -> None:
        self.widths = widths
        self._bar = max(_LEAST_BAR, height // _BAR)
        whole = sum(widths) + _GAP * (len(widths) - 1)
        # codecs want even sides: the paper is a pixel larger, no picture's edge stands there twice
        self.size = (self._bar + height + (self._bar + height) % 2, whole + whole % 2)
        sheet = Image.new("RGB", self.size[::-1], _PAPER)
        draw, font = ImageDraw.Draw(sheet), ImageFont.load_default(round(self._bar * 0.58))
        for caption, width, left in zip(captions, widths, self._lefts(), strict=True):
            middle = (left + width / 2, self._bar / 2)
            draw.text(middle, caption, _INK, font, anchor="mm")
        self._sheet = torch.from_numpy(np.array(sheet)).permute(2, 0, 1)

    def _lefts(self) -> list[int]:
        return [sum(self.widths[:i]) + _GAP * i for i in range(len(self.widths))]

    def compose(self, pictures: list[Tensor]) -> Tensor:
        """(n, 3, h, w) uint8 each -> (n, 3, *size) uint8."""
        sheet = self._sheet.repeat(len(pictures[0]), 1, 1, 1)
        for picture, left in zip(pictures, self._lefts(), strict=True):
            height, width = picture.shape[-2:]
            sheet[..., self._bar : self._bar + height, left : left + width] = picture
        return sheet


def write_film(
    output: str | Path,
    beside: dict[str, Path],
    scene: Scene,
    maps: RenderedMaps,
    clip: VideoClip | None,
    codec: str,
    progress: Progress,
) -> tuple[int, int]:
    """Render, compose and write ``output`` and each map's own file, BATCH frames at a time.

    clip: of the scene's driver; None: the maps stand alone. Returns (h, w) px of ``output``.
    """
    size, total = (maps.height, maps.width), len(maps)
    captions, widths = list(SHOWN), [maps.width] * len(SHOWN)
    drivers: Iterator[list[Tensor]] | None = None
    if clip is not None:
        overlay = MeshOverlay(
            scene.driver, scene.frame_size, scene.valid, backend=maps.backend, device=maps.device
        )
        window = overlay.window()
        wide = max(2, round(maps.height * window.width / window.height))
        captions, widths = ["driver", "tracked mesh", *captions], [wide, wide, *widths]
        drivers = _driver_pictures(clip, total, overlay, window, (maps.height, wide))
    film = Film(captions, widths, maps.height)
    with ExitStack() as stack:

        def writer(path: str | Path, size: tuple[int, int]) -> VideoWriter:
            return stack.enter_context(VideoWriter(path, *size, maps.fps, codec=codec))

        main = writer(output, film.size)
        others = {name: writer(path, size) for name, path in beside.items()}
        for start in range(0, total, BATCH):
            progress("rendering maps", start, total)
            frames = range(start, min(start + BATCH, total))
            pictures = map_pictures(maps.frames(frames))
            left = [] if drivers is None else next(drivers)
            main.write(film.compose([*left, *(pictures[name] for name in SHOWN)]))
            for name, other in others.items():
                other.write(pictures[name])
        progress("rendering maps", total, total)
    return film.size


def _driver_pictures(
    clip: VideoClip, total: int, overlay: MeshOverlay, window: Window, size: tuple[int, int]
) -> Iterator[list[Tensor]]:
    """For each BATCH of frames the driver and the mesh over it, (n, 3, h, w) uint8 each."""
    batches = clip.batches(BATCH)
    for start in range(0, total, BATCH):
        frames = range(start, min(start + BATCH, total))
        images = next(batches, torch.empty(0))
        if len(images) < len(frames):
            got = start + len(images)
            raise InputError(f"{clip.name} breaks off after {got} of the track's {total} frames.")
        plain = window.cut(images, *size)
        yield [plain, overlay.draw(plain, frames, window)]
