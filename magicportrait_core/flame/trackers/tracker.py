"""The contract of a head tracker: a clip and the face in it become a head's parameters."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Iterator

import torch
from torch import Tensor

from ...errors import InputError
from ...types import FaceTrack, HeadTrack, Progress, VideoClip, no_progress


class Tracker(ABC):
    """Made with a head model and what else it needs; tracks any number of clips."""

    name: str  #: key in TRACKERS, written into tracks

    @abstractmethod
    def track(
        self, clip: VideoClip, faces: FaceTrack, *, progress: Progress = no_progress
    ) -> HeadTrack:
        """The head of ``faces`` through ``clip``.

        Frames in which no face was seen (`FaceTrack.valid`) are interpolated and marked, never
        used as data. A clip of one frame is a portrait.

        Raises:
            InputError: ``faces`` is the track of another clip.
        """


def numbered_frames(
    clip: VideoClip, faces: FaceTrack, stage: str, progress: Progress
) -> Iterator[tuple[int, Tensor]]:
    """Number and picture (3, h, w) uint8 of each frame; reads the clip once.

    Raises InputError where the track has another frame size or another number of frames.
    """
    if faces.frame_size != (clip.height, clip.width):
        size = " x ".join(str(n) for n in faces.frame_size[::-1])
        raise InputError(
            f"the face track is of a clip of {size} px, {clip.name} has {clip.width} x "
            f"{clip.height}: track the face in this clip."
        )
    count, total = 0, len(faces)
    for frame in clip:
        if count < total:
            progress(stage, count, total)
            yield count, frame.image
        count += 1
    if count != total:
        raise InputError(
            f"the face track has {total} frames, {clip.name} has {count}: track the face in this "
            "clip."
        )
    progress(stage, total, total)


def check_finite(name: str, values: Tensor) -> None:
    """Raise InputError where a network gave what is no number."""
    if not torch.isfinite(values).all():
        raise InputError(f"{name} gave values that are no numbers: its weights are damaged.")
