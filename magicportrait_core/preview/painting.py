"""Painting over the edge of a hole: what lies behind goes on outwards, skin goes on inwards."""

from __future__ import annotations

import numpy as np
from PIL import Image, ImageDraw
from scipy.ndimage import binary_dilation, binary_erosion, distance_transform_edt

#: Rows and columns of samples in a pixel where an outline is drawn.
_FINE = 4


def _window(outline: np.ndarray, margin: float, height: int, width: int) -> tuple[slice, slice]:
    x0, y0 = np.maximum(np.floor(outline.min(0) - margin).astype(int), 0)
    x1, y1 = np.ceil(outline.max(0) + margin).astype(int) + 1
    return slice(y0, max(y0, min(y1, height))), slice(x0, max(x0, min(x1, width)))


def _inside(outline: np.ndarray, window: tuple[slice, slice]) -> np.ndarray:
    """Pixels of a window at least half inside a polygon of px corners."""
    rows, columns = (w.stop - w.start for w in window)
    canvas = Image.new("L", (columns * _FINE, rows * _FINE))
    corners = (outline - (window[1].start, window[0].start) + 0.5) * _FINE
    ImageDraw.Draw(canvas).polygon([tuple(c) for c in corners], fill=255)
    return np.asarray(canvas.resize((columns, rows), Image.Resampling.BOX)) >= 128


def _from_nearest(picture: np.ndarray, known: np.ndarray) -> np.ndarray:
    nearest = distance_transform_edt(~known, return_distances=False, return_indices=True)
    return picture[tuple(nearest)]


def paint_skin(picture: np.ndarray, outline: np.ndarray) -> None:
    """Cover a hole with the skin round it, in place: picture (h, w, 3), outline (n, 2) px."""
    window = _window(outline, 4, *picture.shape[:2])
    inside = _inside(outline, window) if picture[window].size else np.zeros((0, 0), bool)
    if inside.any():
        wide = binary_dilation(inside)  # the edge itself shows some of what lies behind
        if not wide.all():
            picture[window][inside] = _from_nearest(picture[window], ~wide)[inside]


def paint_behind(
    picture: np.ndarray, outline: np.ndarray, margin: float, onto: np.ndarray | None = None
) -> None:
    """Let what shows in a hole go on for ``margin`` px round it, in place.

    onto (h, w, 3): written to in place of ``picture``, in all of the hole's window.
    """
    window = _window(outline, margin, *picture.shape[:2])
    part = picture[window].copy()
    inside = _inside(outline, window) if part.size else np.zeros((0, 0), bool)
    if inside.any():
        core = binary_erosion(inside)
        filled = _from_nearest(part, core if core.any() else inside)
        part[~inside] = filled[~inside]
    (picture if onto is None else onto)[window] = part


def paint_cavity(
    picture: np.ndarray,
    lower: np.ndarray,
    margin: float,
    color: np.ndarray,
    fade: float,
    down: tuple[float, float] = (0.0, 1.0),
) -> None:
    """Darken what lies below a curve to ``color`` within ``fade`` px, in place.

    lower (n, 2) px is the lower lip's inner edge: below it, along the head's own ``down`` (a
    unit vector in the picture), the portrait shows nothing of the mouth. Further down the cavity
    is a little lighter, as a tongue would be.
    """
    window = _window(lower, margin, *picture.shape[:2])
    part = picture[window]
    if not part.size:
        return
    axes = np.array([(down[1], -down[0]), down])  # across, down
    along, height = axes @ lower.T
    order = np.argsort(along)
    rows, columns = np.mgrid[window]
    u, v = np.tensordot(axes, np.stack([columns, rows]), 1)
    depth = v - np.interp(u, along[order], height[order])
    share = np.clip(depth / max(fade, 1.0), 0, 1)[..., None]
    tone = color * (0.75 + 0.75 * np.clip(depth / margin, 0, 1)[..., None])
    part[:] = part * (1 - share) + tone * share
