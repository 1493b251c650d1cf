"""The cost of tracking a face: reading a 512x512 H.264 clip included."""

from __future__ import annotations

import math
import tempfile
from importlib.resources import as_file, files
from pathlib import Path

import torch
import torch.nn.functional as F
from torch import Tensor

from ..faces.networks import load_networks
from ..faces.tracker import track_faces
from ..threads import one_thread
from ..types import Progress, no_progress
from ..video import VideoWriter, open_image, open_video
from .measure import per_frame

SIDE = 512  #: px
FPS = 25
WARM_UP = 16  #: frames tracked before the clock starts


def swaying(portrait: Tensor, first: int, count: int) -> Tensor:
    """(count, 3, 512, 512) uint8: frames of the portrait swaying as in a hand-held shot.

    portrait: (3, h, w) uint8. ``first``: number of the first frame.
    """
    seconds = torch.arange(first, first + count) / FPS
    angle = 0.08 * torch.sin(2 * math.pi * 0.5 * seconds)
    shift = 0.03 * torch.sin(2 * math.pi * 0.8 * seconds)
    cos, sin = angle.cos(), angle.sin()
    rows = [torch.stack([cos, -sin, shift], -1), torch.stack([sin, cos, shift / 2], -1)]
    grid = F.affine_grid(torch.stack(rows, 1), [count, 3, SIDE, SIDE], align_corners=False)
    picture = portrait[None].float().expand(count, -1, -1, -1)
    moved = F.grid_sample(picture, grid, padding_mode="border", align_corners=False)
    return moved.round().clamp(0, 255).to(torch.uint8)


def bench_track(frames: int = 100, progress: Progress = no_progress) -> dict[str, float]:
    """Track the shipped portrait's face through a clip made for it; see `measure.per_frame`."""
    source = files("magicportrait_core").joinpath("data/portrait.jpg")
    with as_file(source) as path:
        portrait = open_image(path)
    networks = load_networks()
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "swaying.mp4"
        with VideoWriter(path, SIDE, SIDE, FPS) as writer:
            for start in range(0, frames, WARM_UP):
                count = min(WARM_UP, frames - start)
                writer.write(swaying(portrait, start, count))
        track_faces(open_video(path, max_frames=WARM_UP), networks)
        clip = open_video(path)
        with one_thread():  # as tracking itself does, so that the yardstick is its own
            return per_frame(lambda: track_faces(clip, networks, progress=progress), frames)
