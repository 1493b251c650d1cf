"""The cost of drawing with the preview engine: warp and H.264 encode at 512x512."""

from __future__ import annotations

import tempfile
from pathlib import Path
from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor

from ..demo import demo_portrait_path, demo_poses
from ..faces.networks import load_networks
from ..faces.tracker import track_image
from ..pictures import to_float
from ..preview import FaceSliders, portrait_head
from ..preview.engine import render_motion
from ..preview.sliders import slider_motion
from ..threads import one_thread
from ..types import FaceTrack, Progress, no_progress
from ..video import VideoWriter, open_image
from .measure import per_frame, summary

SIDE = 512  #: px
FPS = 24
FACE_SHARE = 0.45  #: of the picture's side that the face takes, as in a close portrait
WARM_UP = 8  #: frames drawn before the clock starts


def close_portrait(picture: Tensor, track: FaceTrack) -> Tensor:
    """The picture (3, h, w) uint8 cut round its face and enlarged: (3, 512, 512) uint8."""
    _, height, width = picture.shape
    x0, y0, x1, y1 = track.boxes[0].tolist()
    side = round(min(max(x1 - x0, y1 - y0) / FACE_SHARE, height, width))
    left = round(min(max((x0 + x1 - side) / 2, 0), width - side))
    top = round(min(max((y0 + y1 - side) / 2, 0), height - side))
    cut = picture[None, :, top : top + side, left : left + side].float()
    large = F.interpolate(cut, (SIDE, SIDE), mode="bicubic", antialias=True)[0]
    return large.round().clamp(0, 255).to(torch.uint8)


def bench_preview(frames: int = 100, progress: Progress = no_progress) -> dict[str, Any]:
    """Draw and encode the scripted act on a close-up of the shipped portrait.

    The face fills the picture as in portraits that people use: the larger it is, the more there
    is to warp. See `measure.summary` for what is returned.
    """
    networks = load_networks()
    shipped = open_image(demo_portrait_path())
    picture = close_portrait(shipped, track_image(shipped, networks))
    portrait, track = to_float(picture), track_image(picture, networks)
    act = demo_poses()
    poses = [act[i % len(act)] for i in range(frames)]
    with tempfile.TemporaryDirectory() as folder, one_thread():
        _draw(Path(folder) / "warm.mp4", portrait, track, act[:WARM_UP], no_progress)
        path = Path(folder) / "act.mp4"
        figures = per_frame(lambda: _draw(path, portrait, track, poses, progress), frames)
    return summary({"preview": figures})


def _draw(
    path: Path, portrait: Tensor, track: FaceTrack, poses: list[FaceSliders], progress: Progress
) -> None:
    head = portrait_head(portrait, track)
    motion = slider_motion(head, poses)
    with VideoWriter(path, SIDE, SIDE, FPS) as writer:
        for batch in render_motion(portrait, head, motion, progress=progress):
            writer.write(batch)
