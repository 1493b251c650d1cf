"""What travels between the stages: small frozen dataclasses.

Letters in shapes: t frames, n some of them, h rows, w columns, v vertices, f faces. Pixel
coordinates are x right, y down, with (0, 0) the centre of the top-left pixel. Pictures are RGB,
(3, h, w): uint8 0..255 where they come from or go to a file, float32 0..1 inside.
"""

from .clip import AudioSource, Progress, VideoClip, VideoFrame, no_progress
from .conditions import ChunkCondition, HeldGuidance, MotionGuidance, ReferenceCondition
from .face import NUM_LANDMARKS, FaceTrack
from .head import CROP_SIZE, Camera, HeadParams, HeadTrack
from .maps import Fragments, GeometryMaps, MapBatch, MeshBatch, MeshSequence, cat_maps
from .motion import LandmarkMotion, MotionTrack, TransferSettings

__all__ = [
    "CROP_SIZE",
    "NUM_LANDMARKS",
    "AudioSource",
    "Camera",
    "ChunkCondition",
    "FaceTrack",
    "Fragments",
    "GeometryMaps",
    "HeadParams",
    "HeadTrack",
    "HeldGuidance",
    "LandmarkMotion",
    "MapBatch",
    "MeshBatch",
    "MeshSequence",
    "MotionGuidance",
    "MotionTrack",
    "Progress",
    "ReferenceCondition",
    "TransferSettings",
    "VideoClip",
    "VideoFrame",
    "cat_maps",
    "no_progress",
]
