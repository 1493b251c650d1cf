"""A track as a picture: its curves over a row of frames."""

from __future__ import annotations

import itertools
from pathlib import Path

import torch
from torch import Tensor

from ..files import replacing
from ..flame.head_model import HeadModel
from ..types import FaceTrack, HeadTrack, Progress, VideoClip, no_progress
from .mesh_overlay import Window
from .plot_subjects import Panel, Subject, face_subject, head_subject

THUMBNAILS = 8
THUMBNAIL_SIDE = 258  #: px, as they are shown
_INK, _FAINT, _LOST = "#2b2f36", "#d9dde3", "#e4572e"
#: inches of the figure: a panel of height 1, what is between them, margins above and below
_UNIT, _BETWEEN, _ABOVE, _BELOW = 1.0847, 0.2625, 0.672, 0.378
_TITLE = 0.378  #: inches of its foot from the top
_PICTURES = 1.75  #: height of the row of thumbnails


def plot_track(
    path: str | Path, track: FaceTrack, clip: VideoClip, *, progress: Progress = no_progress
) -> None:
    """Write a .png: head angles, mouth and eyes over time, frames of the clip below.

    Interpolated frames are shaded; a dotted line marks the frame that reenactment takes as
    neutral.
    """
    _plot(path, face_subject(track), clip, progress)


def plot_head_track(
    path: str | Path,
    track: HeadTrack,
    head: HeadModel,
    clip: VideoClip,
    *,
    progress: Progress = no_progress,
) -> None:
    """The same of a head track, with its jaw; the rendered head lies over the frames."""
    _plot(path, head_subject(track, head), clip, progress)


def _plot(path: str | Path, subject: Subject, clip: VideoClip, progress: Progress) -> None:
    import matplotlib.style
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    pictures = thumbnails(subject, clip, progress)
    rows = [*(panel.height for panel in subject.panels), _PICTURES]
    tall = _ABOVE + _UNIT * sum(rows) + _BETWEEN * (len(rows) - 1) + _BELOW
    between = _BETWEEN * len(rows) / (_UNIT * sum(rows))
    with matplotlib.style.context(_STYLE):
        figure = Figure(figsize=(16, tall), dpi=150)
        grid = figure.add_gridspec(
            len(rows), THUMBNAILS, height_ratios=rows, hspace=between, wspace=0.03,
            left=0.05, right=0.93, top=1 - _ABOVE / tall, bottom=_BELOW / tall,
        )  # fmt: skip
        axes = [figure.add_subplot(grid[i, :]) for i in range(len(subject.panels))]
        _draw_curves(axes, subject)
        for column, (frame, picture) in enumerate(pictures):
            _draw_thumbnail(figure.add_subplot(grid[-1, column]), frame, picture, subject)
            for axis in axes:
                axis.axvline(frame / float(subject.fps), color=_FAINT, linewidth=1, zorder=0)
        title = 1 - _TITLE / tall
        figure.text(0.05, title, _title(subject, clip.name), fontsize=15, weight="bold")
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
    subject: Subject, clip: VideoClip, progress: Progress = no_progress
) -> list[tuple[int, Tensor]]:
    """THUMBNAILS evenly spaced (frame, (3, s, s) uint8): the face with its mesh drawn over it."""
    count = len(subject)
    wanted = [int((i + 0.5) * count / THUMBNAILS) for i in range(THUMBNAILS)]
    found = []
    for number, frame in enumerate(clip):
        progress("plotting", number, count)
        if number in wanted:
            window = _square(frame.image, subject, number)
            picture = subject.draw(frame.image, number, window, THUMBNAIL_SIDE)
            found += [(number, picture)] * wanted.count(number)
        if number == wanted[-1]:
            break
    progress("plotting", count, count)
    return found


def _square(image: Tensor, subject: Subject, frame: int) -> Window:
    """The square round one frame's face, inside the picture where it fits."""
    height, width = image.shape[1:]
    side = round(min(subject.side, height, width))
    x, y = subject.centres[frame].tolist()
    left = round(min(max(x - side / 2, 0), width - side))
    top = round(min(max(y - side / 2, 0), height - side))
    return Window(left, top, side, side)


def _draw_curves(axes, subject: Subject) -> None:
    seconds = torch.arange(len(subject)) / float(subject.fps)
    neutral = subject.neutral
    for axis, panel in zip(axes, subject.panels, strict=True):
        _draw_lines(axis, seconds, panel)
        axis.grid(axis="y", color=_FAINT, linewidth=0.6)
        axis.set_xlim(0, float(seconds[-1]) or 1.0)
        axis.axvline(float(seconds[neutral]), color=_INK, linewidth=1.2, linestyle=(0, (1, 2)))
        for start, end in _lost_spans(subject):
            axis.axvspan(start, end, color=_LOST, alpha=0.14, linewidth=0)
        axis.tick_params(length=0, labelbottom=axis is axes[-1])
    axes[0].annotate(
        f"neutral: frame {neutral}", (float(seconds[neutral]), 1), (4, 4), color=_INK,
        xycoords=("data", "axes fraction"), textcoords="offset points", fontsize=10,
    )  # fmt: skip
    axes[-1].xaxis.set_major_formatter("{x:g} s")


def _draw_lines(axis, seconds: Tensor, panel: Panel) -> None:
    for line in panel.lines:
        axis.plot(seconds, line.values, color=line.colour, linewidth=2, solid_capstyle="round")
    ends = _spread([float(line.values[-1]) for line in panel.lines], axis.get_ylim())
    for line, end in zip(panel.lines, ends, strict=True):
        axis.annotate(
            line.name, (1.008, end), xycoords=("axes fraction", "data"), color=line.colour,
            va="center", weight="bold",
        )  # fmt: skip
    axis.set_ylabel(panel.label)


def _spread(ends: list[float], limits: tuple[float, float]) -> list[float]:
    """Places for labels at ``ends`` that do not overlap: at least a tenth of the axis apart."""
    step = (limits[1] - limits[0]) * 0.1
    order = sorted(range(len(ends)), key=ends.__getitem__)
    placed = list(ends)
    for below, above in itertools.pairwise(order):
        placed[above] = max(placed[above], placed[below] + step)
    return placed


def _draw_thumbnail(axis, frame: int, picture: Tensor, subject: Subject) -> None:
    axis.imshow(picture.permute(1, 2, 0).numpy(), interpolation="lanczos")
    seen = bool(subject.valid[frame])
    for spine in axis.spines.values():
        spine.set(visible=not seen, color=_LOST, linewidth=3)
    axis.set(xticks=[], yticks=[])
    label = f"{frame / float(subject.fps):.2f} s" + ("" if seen else ", no face")
    axis.set_xlabel(label, fontsize=10, color=_INK if seen else _LOST)


def _lost_spans(subject: Subject) -> list[tuple[float, float]]:
    """(start, end) seconds of each stretch of interpolated frames."""
    lost = (~subject.valid).int()
    edges = torch.diff(lost, prepend=lost.new_zeros(1), append=lost.new_zeros(1))
    starts, ends = (edges == 1).nonzero()[:, 0], (edges == -1).nonzero()[:, 0]
    half = 0.5
    return [
        ((a - half) / float(subject.fps), (b - half) / float(subject.fps))
        for a, b in zip(starts.tolist(), ends.tolist(), strict=True)
    ]


def _title(subject: Subject, name: str) -> str:
    lost = int((~subject.valid).sum())
    frames = f"{len(subject)} frames at {float(subject.fps):g} fps"
    return f"{name}   {frames}" + (f", {lost} without a face (shaded)" if lost else "")
