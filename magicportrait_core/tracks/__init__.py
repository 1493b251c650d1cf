"""Tracks on disk: one safetensors file that says what it holds.

Metadata (all strings): kind, format_version "1", fps "24/1", height and width in px.

| kind | what | tensors and further metadata |
|---|---|---|
| landmarks | `FaceTrack` | its fields |
| flame | `HeadTrack`, of FLAME or another head model | its fields and those of its parameters and \
camera; eyelids may be absent; basis, tracker |
| motion | `MotionTrack` | "portrait." and "driver." before a head track's names, tensors and \
metadata; portrait_from_source may be absent; settings, as JSON |
"""

from .heads import load_head_track, save_head_track
from .landmarks import load_track, save_track
from .motions import load_motion, save_motion
from .store import kind_of

__all__ = [
    "kind_of",
    "load_head_track",
    "load_motion",
    "load_track",
    "save_head_track",
    "save_motion",
    "save_track",
]
