"""What a run did: outputs, time a stage, warnings."""

from __future__ import annotations

import time
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from fractions import Fraction
from pathlib import Path
from typing import TYPE_CHECKING

from .engines import EngineChoice
from .errors import MagicPortraitWarning

if TYPE_CHECKING:
    from .diffusion.checkpoints.weight_files import WeightFile
    from .model_files.head_models import TrackerChoice


@dataclass(frozen=True)
class Report:
    """One finished run of the pipeline."""

    output: Path
    frames: int
    fps: Fraction | None  #: None: a still
    size: tuple[int, int]  #: (height, width) px of the output; of the video, for a track
    seconds: dict[str, float]  #: wall time of each stage, in order
    warnings: tuple[str, ...] = ()
    engine: EngineChoice | None = None  #: None: nothing was drawn
    lost_frames: int = 0  #: frames without a face, interpolated
    more: tuple[Path, ...] = ()  #: further files written
    tracker: TrackerChoice | None = None  #: None: no head was tracked
    head: str | None = None  #: the head model's name
    notes: tuple[str, ...] = ()  #: lines worth telling that are no warnings
    weights: tuple[WeightFile, ...] = ()  #: of the diffusion models
    dtype: str | None = None  #: what the diffusion models computed in


@dataclass
class Recorder:
    """Gathers times and warnings while a run goes on."""

    seconds: dict[str, float] = field(default_factory=dict)
    messages: list[str] = field(default_factory=list)

    @contextmanager
    def timed(self, stage: str) -> Iterator[None]:
        """Add the block's wall time to ``stage``."""
        start = time.perf_counter()
        yield
        self.seconds[stage] = self.seconds.get(stage, 0) + time.perf_counter() - start


@contextmanager
def recording() -> Iterator[Recorder]:
    """Record the core's warnings, each text once; it and all others are shown as ever."""
    recorder = Recorder()
    with warnings.catch_warnings():
        warnings.simplefilter("always", MagicPortraitWarning)
        show = warnings.showwarning

        def note(message, category, filename, lineno, file=None, line=None):
            text = str(message)
            if issubclass(category, MagicPortraitWarning):
                if text in recorder.messages:
                    return
                recorder.messages.append(text)
            show(message, category, filename, lineno, file, line)

        warnings.showwarning = note
        yield recorder
