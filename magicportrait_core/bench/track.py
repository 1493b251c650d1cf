"""The cost of tracking a face: reading a 512x512 H.264 clip included."""

from __future__ import annotations

import math
import tempfile
from collections.abc import Callable
from fractions import Fraction
from importlib.resources import as_file, files
from pathlib import Path
from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor

from ..faces.networks import FaceNetworks, load_networks
from ..faces.tracker import track_faces
from ..flame.motion.readout import points_of
from ..flame.trackers import DecaSmirk, LandmarkFit
from ..flame.trackers.deca import DecaEncoder
from ..flame.trackers.smirk import SmirkEncoder
from ..threads import one_thread
from ..types import FaceTrack, Progress, no_progress
from ..video import VideoWriter, open_image, open_video
from .head_model import acting, bench_head
from .measure import per_frame, summary

SIDE = 512  #: px
FPS = 25
WARM_UP = 16  #: frames tracked before the clock starts
FEW = 64  #: frames that slow networks are given at most
PX_PER_METRE = 1400  #: of the head that is fitted: 350 px high

Work = Callable[[], object]


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


def bench_track(frames: int = 250, progress: Progress = no_progress) -> dict[str, Any]:
    """Track a face, and a head by each tracker, on one thread.

    Backends: landmarks follows the shipped portrait's face through a clip made for it, reading
    the clip included; landmark_fit fits the bench's head to landmarks of it, with noise, and reads
    no clip: it finds the identity once, so that a frame of a longer clip costs less; deca_smirk
    reads the beginning of that clip with networks of random weights. See `measure.summary` for
    what is returned.
    """
    source = files("magicportrait_core").joinpath("data/portrait.jpg")
    with as_file(source) as path:
        portrait = open_image(path)
    networks, found = load_networks(), {}
    with tempfile.TemporaryDirectory() as folder, one_thread():  # as tracking itself has it
        path = Path(folder) / "swaying.mp4"
        with VideoWriter(path, SIDE, SIDE, FPS) as writer:
            for start in range(0, frames, WARM_UP):
                count = min(WARM_UP, frames - start)
                writer.write(swaying(portrait, start, count))
        works = {
            "landmarks": _follow(path, networks, progress),
            "landmark_fit": _fit(frames, progress),
            "deca_smirk": _encode(path, min(frames, FEW), networks, progress),
        }
        for name, work in works.items():
            count = min(frames, FEW) if name == DecaSmirk.name else frames
            found[name] = per_frame(work, count)
    return summary(found)


def _follow(path: Path, networks: FaceNetworks, progress: Progress) -> Work:
    track_faces(open_video(path, max_frames=WARM_UP), networks)
    clip = open_video(path)
    return lambda: track_faces(clip, networks, progress=progress)


def _fit(frames: int, progress: Progress) -> Work:
    faces, tracker = seen_head(frames), LandmarkFit(bench_head())
    tracker.fit(seen_head(WARM_UP))
    return lambda: tracker.fit(faces, progress=progress)


def _encode(path: Path, frames: int, networks: FaceNetworks, progress: Progress) -> Work:
    tracker = DecaSmirk(bench_head(), *random_states())
    first, clip = (open_video(path, max_frames=n) for n in (WARM_UP, frames))
    tracker.track(first, track_faces(first, networks))
    faces = track_faces(clip, networks)
    return lambda: tracker.track(clip, faces, progress=progress)


def random_states() -> tuple[dict[str, Tensor], dict[str, Tensor]]:
    """Weights for deca_smirk's networks that mean nothing."""
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(0)
        return DecaEncoder().state_dict(), SmirkEncoder().state_dict()


def seen_head(frames: int) -> FaceTrack:
    """The bench's acting head as landmarks, a pixel of noise on each."""
    head, generator = bench_head(), torch.Generator().manual_seed(2)
    _, embedding = head.mesh_points
    points = points_of(acting(frames), head, embedding)  # (t, 478, 3) metres
    axes = points.new_tensor([1.0, -1.0, -1.0]) * PX_PER_METRE
    landmarks = points * axes + points.new_tensor([SIDE / 2, SIDE / 2, 0.0])
    landmarks = landmarks + torch.randn(landmarks.shape, generator=generator)
    boxes = torch.cat([landmarks[..., :2].amin(1), landmarks[..., :2].amax(1)], 1)
    valid = torch.ones(frames, dtype=torch.bool)
    return FaceTrack(boxes, landmarks, valid.float(), valid, (SIDE, SIDE), Fraction(FPS))
