"""A decoded frame of any pixel format becomes upright 8-bit RGB with square pixels."""

from __future__ import annotations

from fractions import Fraction
from itertools import pairwise

import av
import av.filter
import numpy as np
import torch
from torch import Tensor

#: What transparent parts are laid over: neutral grey, on which dark and light hair both show.
GREY = (128, 128, 128)

# H.273 numbers, as FFmpeg uses them.
BT709, BT601, RGB = 1, 6, 0
LIMITED, FULL = 1, 2
_KNOWN_MATRICES = (1, 4, 5, 6, 7, 9, 10)
#: Bicubic chroma at full precision: without these flags swscale darkens every channel by 1.2.
SCALE_FLAGS = "bicubic+accurate_rnd+full_chroma_int+full_chroma_inp"
_HD_HEIGHT = 720


def frame_colours(frame: av.VideoFrame) -> tuple[int, int]:
    """The (matrix, range) to read ``frame`` with, in H.273 numbers.

    What the file states holds. Where it states nothing: BT.709 from 720 lines on and BT.601
    below, limited range, as players do.
    """
    name = frame.format.name
    if frame.format.is_rgb or name.startswith(("pal8", "bgr", "rgb", "gbr")):
        return RGB, FULL
    matrix = int(frame.colorspace)
    if matrix not in _KNOWN_MATRICES:
        matrix = BT709 if min(frame.height, frame.width) >= _HD_HEIGHT else BT601
    colour_range = int(frame.color_range)
    if name.startswith(("yuvj", "gray")) and colour_range != LIMITED:
        colour_range = FULL
    return matrix, colour_range if colour_range in (LIMITED, FULL) else LIMITED


def display_matrix(frame: av.VideoFrame) -> tuple[int, int, int, int]:
    """(a, b, c, d) of the container's rotation: x' = a x + c y, y' = b x + d y.

    Ask once a stream: a frame whose side data was read is freed only by the garbage collector.
    """
    side = frame.side_data.get("DISPLAYMATRIX")
    if side is None:
        return 1, 0, 0, 1
    values = np.frombuffer(bytes(side), np.int32)
    return int(values[0]), int(values[1]), int(values[3]), int(values[4])


def turn_upright(image: Tensor, matrix: tuple[int, int, int, int]) -> Tensor:
    """Apply the nearest of the eight turns and mirrors to ``image``, (3, h, w)."""
    a, b, c, d = matrix
    if abs(b) > abs(a):
        image, flip_x, flip_y = image.transpose(-1, -2), c < 0, b < 0
    else:
        flip_x, flip_y = a < 0, d < 0
    axes = [axis for axis, flip in ((-1, flip_x), (-2, flip_y)) if flip]
    return image.flip(axes).contiguous() if axes else image.contiguous()


def composite(rgb: Tensor, alpha: Tensor, background: tuple[int, int, int]) -> Tensor:
    """Lay uint8 ``rgb`` (3, h, w) with ``alpha`` (h, w) over a colour; uint8 again."""
    opacity = alpha.to(torch.float32) / 255
    under = torch.tensor(background, dtype=torch.float32)[:, None, None]
    return (under + (rgb - under) * opacity).round().to(torch.uint8)


class ScaleGraph:
    """FFmpeg's scaler with the colour matrix and range of both sides stated."""

    def __init__(
        self,
        frame: av.VideoFrame,
        colours: tuple[int, int],
        size: tuple[int, int],
        pixel_format: str,
        *,
        output: str = "",
        tags: str = "",
    ) -> None:
        """Take frames like ``frame`` of ``colours``, give (h, w) = ``size``.

        ``output`` is more options of FFmpeg's scale filter, ``tags`` those of its setparams.
        """
        height, width = size
        self._colours = colours
        self._graph = av.filter.Graph()
        chain = [
            (
                "buffer",
                f"video_size={frame.width}x{frame.height}:pix_fmt={frame.format.name}:"
                "time_base=1/1:pixel_aspect=1/1:"
                f"colorspace={colours[0]}:range={colours[1]}",
            ),
            ("scale", f"{width}:{height}:flags={SCALE_FLAGS}{output}"),
            ("format", pixel_format),
            *([("setparams", tags)] if tags else []),
            ("buffersink", None),
        ]
        filters = [self._graph.add(*step) for step in chain]
        for before, after in pairwise(filters):
            before.link_to(after)
        self._graph.configure()

    def __call__(self, frame: av.VideoFrame) -> av.VideoFrame:
        frame.colorspace, frame.color_range = self._colours
        frame.pts = None
        self._graph.push(frame)
        return self._graph.pull()


class RgbConverter:
    """Frames of one stream to (3, h, w) uint8, all of the size of the first."""

    def __init__(self, pixel_aspect: Fraction | None, background: tuple[int, int, int]) -> None:
        self._aspect = pixel_aspect if pixel_aspect and pixel_aspect > 0 else Fraction(1)
        self._background = background
        self._size: tuple[int, int] | None = None
        self._matrix = (1, 0, 0, 1)
        self._graph: ScaleGraph | None = None
        self._made_for: tuple | None = None

    def __call__(self, frame: av.VideoFrame) -> Tensor:
        if self._size is None:
            self._size = frame.height, max(round(frame.width * self._aspect), 1)
            self._matrix = display_matrix(frame)
        colours = frame_colours(frame)
        alpha = any(part.is_alpha for part in frame.format.components) or has_palette(frame)
        kind = (frame.format.name, frame.width, frame.height, colours)
        if kind != self._made_for:
            output = ":out_range=pc" if colours[0] != RGB else ""
            pixels = "gbrap" if alpha else "gbrp"
            self._graph = ScaleGraph(frame, colours, self._size, pixels, output=output)
            self._made_for = kind
        green, blue, red, *rest = (plane_view(plane) for plane in self._graph(frame).planes)
        image = torch.from_numpy(np.stack((red, green, blue)))
        if rest:
            image = composite(image, torch.from_numpy(rest[0]), self._background)
        return turn_upright(image, self._matrix)


def has_palette(frame: av.VideoFrame) -> bool:
    """A palette's colours may be transparent."""
    return frame.format.name == "pal8"


def plane_view(plane: av.video.plane.VideoPlane) -> np.ndarray:
    """An 8-bit plane as (h, w), without a copy."""
    rows = np.frombuffer(plane, np.uint8).reshape(-1, plane.line_size)
    return rows[: plane.height, : plane.width]
