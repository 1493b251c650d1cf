"""Track Face on the host's own FACE_LANDMARKS, made by its node where it has one."""

from __future__ import annotations

from host import error_of, report, run_node  # isort: skip  first: it finds the host

from types import SimpleNamespace
from typing import ClassVar

import numpy as np
import server
import torch
from pack.nodes.example import MagicPortraitExample
from pack.nodes.media.frames_clip import frames_clip
from pack.nodes.track_face import MagicPortraitTrackFace

try:
    from comfy_extras.nodes_mediapipe import MediaPipeFaceLandmarker
except ImportError:
    MediaPipeFaceLandmarker = None

server.PromptServer.instance = SimpleNamespace(client_id=None, send_progress_text=lambda *_: None)
CROP = 0.37  #: pixels of the network's crop in one of the picture
CHOSEN = {"face": "largest", "face_index": 0, "smoothing": 0.0}


def as_host(points: torch.Tensor) -> dict:
    """What the host's networks give of one face: its crop is turned and scaled."""
    turn = torch.tensor([[0.8, -0.6], [0.6, 0.8]]) * CROP
    flat, depth = points[:, :2], points[:, 2:] * CROP
    return {
        "bbox_xyxy": torch.cat([flat.amin(0), flat.amax(0)]).numpy(),
        "blendshapes": {},
        "landmarks_xy": flat.numpy(),
        "landmarks_3d": torch.cat([flat @ turn.T, depth], 1).numpy(),
        "presence": 3.0,
        "score": 0.9,
    }


class Detector:
    """In place of the host's networks, whose weights are large; its node does the rest."""

    connection_sets: ClassVar = {}
    canonical_data: ClassVar = {
        "canonical_vertices": np.random.default_rng(0).normal(size=(468, 3)).astype(np.float32),
        "procrustes_indices": np.arange(33),
        "procrustes_weights": np.ones(33, np.float32),
    }

    def __init__(self, landmarks):
        self.faces = iter([[as_host(points)] for points in landmarks])

    def detect_batch(self, images, **_):
        return [next(self.faces) for _ in images]


_, driving, *_ = run_node(MagicPortraitExample)
frames = torch.stack([f.image for f, _ in zip(driving, range(8), strict=False)])
clip = frames_clip(frames.movedim(1, -1).float() / 255, 24.0)
own = run_node(MagicPortraitTrackFace, driving=clip, **CHOSEN)[0].track
if MediaPipeFaceLandmarker is None:
    size = tuple(frames.shape[2:])
    landmarks = {"frames": [[as_host(p)] for p in own.landmarks], "image_size": size}
else:
    images = frames.movedim(1, -1).float() / 255
    landmarks = MediaPipeFaceLandmarker.execute(
        Detector(own.landmarks), images, "short", 1, 0.5, "empty"
    ).result[0]
given = run_node(MagicPortraitTrackFace, driving=clip, face_landmarks=landmarks, **CHOSEN)[0].track
scaled = {**landmarks, "image_size": (100, 100)}
report(
    off=(given.landmarks - own.landmarks).abs().max().item(),
    depth=own.landmarks[..., 2].std().item(),
    scores=given.scores.tolist(),
    scaled=error_of(
        run_node, MagicPortraitTrackFace, driving=clip, face_landmarks=scaled, **CHOSEN
    ),
)
