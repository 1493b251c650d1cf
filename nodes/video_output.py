"""VIDEO outputs: files in the host's temp folder, so that Save Video streams them."""

from __future__ import annotations

import io
from collections.abc import Callable, Iterable
from fractions import Fraction
from pathlib import Path

from comfy_api.latest import Input, InputImpl
from torch import Tensor

from ..magicportrait_core.types import AudioSource
from ..magicportrait_core.video import VideoWriter
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


class DeferredVideo(Input.Video):
    """A VIDEO whose file is made when somebody first asks for it, then kept.

    An output that is seldom wired so costs nothing, and wiring it later reruns nothing.
    """

    def __init__(self, render: Callable[[], Path]) -> None:
        self._render = render
        self._path: Path | None = None

    def _file(self) -> Input.Video:
        if self._path is None:
            self._path = self._render()
        return InputImpl.VideoFromFile(str(self._path))

    def get_stream_source(self) -> str | io.BytesIO:
        return self._file().get_stream_source()

    def get_components(self):
        return self._file().get_components()

    def get_dimensions(self) -> tuple[int, int]:
        return self._file().get_dimensions()

    def get_duration(self) -> float:
        return self._file().get_duration()

    def get_container_format(self) -> str:
        return self._file().get_container_format()

    def save_to(self, *args, **kwargs):
        return self._file().save_to(*args, **kwargs)
