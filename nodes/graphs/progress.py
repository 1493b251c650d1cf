"""The core's progress callback, as ComfyUI's bar; the same call is where a run is cancelled."""

from __future__ import annotations

from comfy.model_management import throw_exception_if_processing_interrupted
from comfy.utils import ProgressBar


class HostProgress:
    """Call as progress(stage, done, total). Raises the host's interrupt after Cancel."""

    def __init__(self) -> None:
        self.stage: str | None = None
        self.bar: ProgressBar | None = None

    def __call__(self, stage: str, done: int, total: int) -> None:
        throw_exception_if_processing_interrupted()
        if self.bar is None or stage != self.stage:
            self.stage, self.bar = stage, ProgressBar(max(total, 1))
        self.bar.update_absolute(done, max(total, 1))
