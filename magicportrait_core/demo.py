"""A demonstration without any footage: a shipped portrait and an act scripted for it."""

from __future__ import annotations

from dataclasses import replace
from importlib.resources import files
from pathlib import Path

import numpy as np
from scipy.interpolate import PchipInterpolator
from torch import Tensor

from .errors import InputError
from .faces.networks import FaceNetworks, load_networks
from .faces.tracker import track_image
from .files import check_output_path
from .looking.contact_sheet import Row, write_contact_sheet
from .pictures import to_float
from .pipeline import reenact
from .preview import FaceSliders, portrait_head
from .preview.engine import render_motion
from .preview.sliders import slider_motion
from .report import Report
from .threads import one_thread
from .types import FaceTrack, Progress, no_progress
from .video import VideoWriter, open_image, open_video

FPS = 24
SECONDS = 4.0
#: Moments of the act that the contact sheet shows, in seconds.
SHEET_MOMENTS = (0.29, 0.75, 1.09, 1.54, 1.9, 2.55, 2.9, 3.35)

#: Key poses of each slider, (seconds, value): a glance to both sides while talking, a nod, a
#: smile. It begins and ends at rest, so that the clip loops and its first frame is neutral.
SCRIPT: dict[str, tuple[tuple[float, float], ...]] = {
    "yaw": ((0.15, 0), (0.75, 17), (1.0, 17), (1.75, -17), (2.0, -16), (2.45, 0)),
    "pitch": (
        *((0.15, 0), (0.75, 4), (1.35, -3), (1.9, 3), (2.4, 0)),
        *((2.65, -9), (2.9, 4), (3.12, -6), (3.4, 0)),
    ),
    "roll": ((0.2, 0), (0.85, -5), (1.8, 6), (2.4, 0), (2.8, -1), (3.35, 8), (3.8, 0)),
    "blink": (
        *((0.98, 0), (1.08, 1), (1.13, 1), (1.3, 0)),
        *((2.42, 0), (2.51, 1), (2.56, 1), (2.72, 0)),
    ),
    "mouth": (
        *((0.1, 0), (0.29, 0.75), (0.46, 0.1), (0.62, 0.55), (0.78, 0.05), (1.04, 0.05)),
        *((1.2, 0.5), (1.36, 0.15), (1.54, 0.85), (1.74, 0.1), (1.9, 0.45), (2.1, 0)),
    ),
    "smile": (
        *((0.1, 0), (0.29, 0.1), (0.46, -0.3), (0.62, -0.7), (0.9, -0.2), (1.2, -0.7)),
        *((1.5, 0), (1.9, -0.6), (2.2, -0.1), (2.8, 0.1), (3.25, 0.8), (3.6, 0.7), (3.9, 0)),
    ),
    "brows": ((0.3, 0), (0.55, 0.7), (1.2, 0.1), (1.55, 0.9), (2.2, 0), (3.2, 0.5), (3.8, 0)),
}


def demo_portrait_path() -> Path:
    """The shipped portrait, 512 x 512 px: astronaut Eileen Collins, by NASA, public domain."""
    return Path(str(files(__package__) / "data" / "portrait.jpg"))


def demo_poses(frames: int | None = None) -> list[FaceSliders]:
    """The act at FPS, all SECONDS of it or its first ``frames`` frames.

    Key poses are joined by monotone cubics (Fritsch and Carlson 1980, as SciPy has them): motion
    eases in and out and never swings past a key.
    """
    count = round(SECONDS * FPS)
    seconds = np.arange(count if frames is None else min(frames, count)) / FPS
    curves = {name: _eased(keys, seconds) for name, keys in SCRIPT.items()}
    return [
        FaceSliders(**{name: float(values[i]) for name, values in curves.items()})
        for i in range(len(seconds))
    ]


def _eased(keys: tuple[tuple[float, float], ...], seconds: np.ndarray) -> np.ndarray:
    """Values at ``seconds`` of a curve through ``keys``, at rest (0) before and after them."""
    times, values = zip((-1.0, 0.0), *keys, (SECONDS, 0.0), strict=True)
    return PchipInterpolator(times, values)(seconds)


def render_demo_driver(
    path: str | Path,
    networks: FaceNetworks,
    progress: Progress = no_progress,
    *,
    frames: int | None = None,
) -> None:
    """Write the scripted act as a driving clip, .mp4: the shipped portrait posed by sliders.

    ``frames``: only the first so many. Raises InputError where the folder does not exist.
    """
    path = check_output_path(path)
    picture = open_image(demo_portrait_path())
    track = track_image(picture, networks, name="the shipped portrait")
    portrait = to_float(picture)
    head = portrait_head(portrait, track)
    motion = slider_motion(head, demo_poses(frames))
    with one_thread(), VideoWriter(path, *picture.shape[1:], FPS) as writer:
        for batch in render_motion(portrait, head, motion, progress=progress):
            writer.write(batch)


def run_demo(
    folder: str | Path,
    *,
    networks: FaceNetworks | None = None,
    progress: Progress = no_progress,
    frames: int | None = None,
) -> Report:
    """The main job without any footage: render the act, track it, reenact the portrait with it.

    Writes driving.mp4, out.mp4 and contact_sheet.png into ``folder``, which is made where only
    its last part is missing. A smoke demo: driver and portrait are one picture, so it shows that
    all parts work, not how a stranger's face carries over. ``frames``: only the first so many.
    """
    folder = Path(folder)
    try:
        folder.mkdir(exist_ok=True)
    except OSError as error:
        raise InputError(f"The folder {folder} cannot be made: {error.strerror}.") from error
    networks = networks or load_networks()
    driving, output = folder / "driving.mp4", folder / "out.mp4"
    sheet = folder / "contact_sheet.png"
    for path in (driving, output, sheet):
        check_output_path(path)
    render_demo_driver(driving, networks, _named("driver", progress), frames=frames)
    report = reenact(
        demo_portrait_path(), driving, output,
        engine="preview", networks=networks, progress=progress,
    )  # fmt: skip
    head = track_image(open_image(demo_portrait_path()), networks)
    rows = [
        Row("driver: the portrait posed by a script", _heads(driving, head)),
        Row("output: the portrait reenacted from the driver's track", _heads(output, head)),
    ]
    write_contact_sheet(sheet, rows, "MagicPortrait smoke demo", "preview engine, no downloads")
    return replace(report, more=(driving, sheet))


def _named(stage: str, progress: Progress) -> Progress:
    """Report every stage under one name."""
    return lambda _, done, total: progress(stage, done, total)


def _heads(path: Path, track: FaceTrack) -> list[Tensor]:
    """A clip's frames at SHEET_MOMENTS, cut to the head of the portrait's track.

    In a clip that shows less of the act they lie as far into it.
    """
    clip = open_video(path)
    x0, y0, x1, y1 = track.boxes[0].tolist()
    side = round(min(2.1 * max(x1 - x0, y1 - y0), clip.height, clip.width))
    left = round(min(max((x0 + x1 - side) / 2, 0), clip.width - side))
    top = round(min(max((y0 + y1 - side) / 2 - 0.06 * side, 0), clip.height - side))
    wanted = [int(moment / SECONDS * clip.frame_count) for moment in SHEET_MOMENTS]
    return [
        frame.image[:, top : top + side, left : left + side].clone()
        for number, frame in enumerate(clip)
        for _ in range(wanted.count(number))
    ]
