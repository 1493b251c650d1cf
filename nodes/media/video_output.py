"""VIDEO outputs: files in the host's temp folder, so that Save Video streams them."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from fractions import Fraction
from pathlib import Path

from comfy_api.latest import Input, InputImpl
from torch import Tensor

from ...magicportrait_core.types import AudioSource, VideoClip
from ...magicportrait_core.video import VideoWriter
from .paths import temp_file


def write_video(
    kind: str,
    batches: Iterable[Tensor],
    size: tuple[int, int],
    fps: Fraction,
    audio: AudioSource | None,
) -> Path:
    """Write (n, 3, h, w) batches to a new temp file; size is (h, w) px."""
    path = temp_file(kind)
    with VideoWriter(path, *size, fps, audio=audio) as writer:
        for batch in batches:
            writer.write(batch)
    return path


class _OnDemand:
    """Holds the file of a VIDEO that is made when somebody first asks for it, then kept."""

    def __init__(self, render: Callable[[], Path]) -> None:
        self._render = render
        self._path: Path | None = None

    def _file(self) -> Input.Video:
        if self._path is None:
            self._path = self._render()
        return InputImpl.VideoFromFile(str(self._path))


def _forwarded(name: str) -> Callable:
    def call(self, *args, **kwargs):
        return getattr(self._file(), name)(*args, **kwargs)

    call.__name__ = name
    return call


#: A VIDEO whose file is written on first use: an output that is seldom wired so costs nothing,
#: and wiring it later reruns nothing. Every public method the host's VIDEO has is the file's own.
DeferredVideo = type(
    "DeferredVideo",
    (_OnDemand, Input.Video),
    {
        name: _forwarded(name)
        for name, value in vars(Input.Video).items()
        if callable(value) and not name.startswith("_")
    },
)


def video_of(clip: VideoClip, kind: str, draw: Callable[[], Iterable[Tensor]]) -> DeferredVideo:
    """What ``draw`` makes of a clip, (n, 3, h, w) batches of its size, with its sound."""
    size = (clip.height, clip.width)
    return DeferredVideo(lambda: write_video(kind, draw(), size, clip.fps, clip.audio))
