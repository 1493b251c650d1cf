"""A track as a picture: its curves over a row of frames."""

from __future__ import annotations

import itertools
from pathlib import Path

import torch
import torch.nn.functional as F
from torch import Tensor

from .curves import Curves, read_curves
from .faces.overlay import draw_track
from .files import replacing
from .preview.performance import read_performance
from .types import FaceTrack, Progress, VideoClip, no_progress

THUMBNAILS = 8
THUMBNAIL_SIDE = 258  #: px, as they are shown
_INK, _FAINT, _LOST = "#2b2f36", "#d9dde3", "#e4572e"
#: label and (name, colour) of each panel's curves
_PANELS = (
    ("degrees", (("yaw", "#3a6fd8"), ("pitch", "#1b998b"), ("roll", "#e2912b"))),
    ("opening", (("mouth", "#c2407c"),)),
    ("opening", (("eyes", "#6a4fb3"),)),
)


def plot_track(
    path: str | Path, track: FaceTrack, clip: VideoClip, *, progress: Progress = no_progress
) -> None:
    """Write a .png: head angles, mouth and eyes over time, frames of the clip below.

    Interpolated frames are shaded; a dotted line marks the frame that reenactment takes as
    neutral.
    """
    import matplotlib.style
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    pictures = thumbnails(track, clip, progress)
    with matplotlib.style.context(_STYLE):
        figure = Figure(figsize=(16, 8.4), dpi=150)
        grid = figure.add_gridspec(
            4, THUMBNAILS, height_ratios=(2.3, 1, 1, 1.75), hspace=0.16, wspace=0.03,
            left=0.05, right=0.93, top=0.92, bottom=0.045,
        )  # fmt: skip
        axes = [figure.add_subplot(grid[i, :]) for i in range(len(_PANELS))]
        _draw_curves(axes, track)
        for column, (frame, picture) in enumerate(pictures):
            _draw_thumbnail(figure.add_subplot(grid[-1, column]), frame, picture, track)
            for axis in axes:
                axis.axvline(frame / float(track.fps), color=_FAINT, linewidth=1, zorder=0)
        figure.text(0.05, 0.955, _title(track, clip.name), fontsize=15, weight="bold")
        with replacing(path) as temporary:
            FigureCanvasAgg(figure)
            figure.savefig(temporary, format="png")


_STYLE = {
    "font.family": "DejaVu Sans",
    "font.size": 11,
    "text.color": _INK,
    "axes.edgecolor": _FAINT,
    "axes.labelcolor": _INK,
    "axes.spines.top": False,
    "axes.spines.right": False,
    "xtick.color": "#737a86",
    "ytick.color": "#737a86",
    "figure.facecolor": "white",
}


def thumbnails(
    track: FaceTrack, clip: VideoClip, progress: Progress = no_progress
) -> list[tuple[int, Tensor]]:
    """THUMBNAILS evenly spaced (frame, (3, s, s) uint8): the face with its mesh drawn over it."""
    count = len(track)
    wanted = [int((i + 0.5) * count / THUMBNAILS) for i in range(THUMBNAILS)]
    boxes = track.boxes[track.valid]
    side = 1.5 * float((boxes[:, 2:] - boxes[:, :2]).amax(1).median())
    found = []
    for number, frame in enumerate(clip):
        progress("plotting", number, count)
        found += [(number, _thumbnail(frame.image, track, number, side))] * wanted.count(number)
        if number == wanted[-1]:
            break
    progress("plotting", count, count)
    return found


def _thumbnail(image: Tensor, track: FaceTrack, frame: int, side: float) -> Tensor:
    """The square round one frame's face, inside the picture where it fits."""
    height, width = image.shape[1:]
    side = round(min(side, height, width))
    x0, y0, x1, y1 = track.boxes[frame].tolist()
    left = round(min(max((x0 + x1 - side) / 2, 0), width - side))
    top = round(min(max((y0 + y1 - side) / 2, 0), height - side))
    square = image[None, :, top : top + side, left : left + side].float()
    shape = (THUMBNAIL_SIDE, THUMBNAIL_SIDE)
    cut = F.interpolate(square, shape, mode="bicubic", antialias=True)[0]
    cut = cut.round().clamp(0, 255).to(torch.uint8)
    points = track.landmarks[frame, :, :2] - torch.tensor([left - 0.5, top - 0.5])
    points = points * (THUMBNAIL_SIDE / side) - 0.5
    return draw_track(cut, points, bool(track.valid[frame]))


def _draw_curves(axes, track: FaceTrack) -> None:
    seconds = torch.arange(len(track)) / float(track.fps)
    curves: Curves = read_curves(track)
    neutral = read_performance(track).neutral
    for axis, (label, lines) in zip(axes, _PANELS, strict=True):
        for name, colour in lines:
            values = getattr(curves, name)
            axis.plot(seconds, values, color=colour, linewidth=2, solid_capstyle="round")
        ends = _spread([float(getattr(curves, name)[-1]) for name, _ in lines], axis.get_ylim())
        for (name, colour), end in zip(lines, ends, strict=True):
            axis.annotate(
                name, (1.008, end), xycoords=("axes fraction", "data"), color=colour,
                va="center", weight="bold",
            )  # fmt: skip
        axis.set_ylabel(label)
        axis.grid(axis="y", color=_FAINT, linewidth=0.6)
        axis.set_xlim(0, float(seconds[-1]) or 1.0)
        axis.axvline(float(seconds[neutral]), color=_INK, linewidth=1.2, linestyle=(0, (1, 2)))
        for start, end in _lost_spans(track):
            axis.axvspan(start, end, color=_LOST, alpha=0.14, linewidth=0)
        axis.tick_params(length=0, labelbottom=axis is axes[-1])
    axes[0].annotate(
        f"neutral: frame {neutral}", (float(seconds[neutral]), 1), (4, 4), color=_INK,
        xycoords=("data", "axes fraction"), textcoords="offset points", fontsize=10,
    )  # fmt: skip
    axes[-1].xaxis.set_major_formatter("{x:g} s")


def _spread(ends: list[float], limits: tuple[float, float]) -> list[float]:
    """Places for labels at ``ends`` that do not overlap: at least a tenth of the axis apart."""
    step = (limits[1] - limits[0]) * 0.1
    order = sorted(range(len(ends)), key=ends.__getitem__)
    placed = list(ends)
    for below, above in itertools.pairwise(order):
        placed[above] = max(placed[above], placed[below] + step)
    return placed


def _draw_thumbnail(axis, frame: int, picture: Tensor, track: FaceTrack) -> None:
    axis.imshow(picture.permute(1, 2, 0).numpy(), interpolation="lanczos")
    seen = bool(track.valid[frame])
    for spine in axis.spines.values():
        spine.set(visible=not seen, color=_LOST, linewidth=3)
    axis.set(xticks=[], yticks=[])
    label = f"{frame / float(track.fps):.2f} s" + ("" if seen else ", no face")
    axis.set_xlabel(label, fontsize=10, color=_INK if seen else _LOST)


def _lost_spans(track: FaceTrack) -> list[tuple[float, float]]:
    """(start, end) seconds of each stretch of interpolated frames."""
    lost = (~track.valid).int()
    edges = torch.diff(lost, prepend=lost.new_zeros(1), append=lost.new_zeros(1))
    starts, ends = (edges == 1).nonzero()[:, 0], (edges == -1).nonzero()[:, 0]
    half = 0.5
    return [
        ((a - half) / float(track.fps), (b - half) / float(track.fps))
        for a, b in zip(starts.tolist(), ends.tolist(), strict=True)
    ]


def _title(track: FaceTrack, name: str) -> str:
    lost = int((~track.valid).sum())
    frames = f"{len(track)} frames at {float(track.fps):g} fps"
    return f"{name}   {frames}" + (f", {lost} without a face (shaded)" if lost else "")
