"""Which engine draws the frames, and why."""

from __future__ import annotations

from dataclasses import dataclass

from .checks import check_choice
from .errors import InputError

ENGINES = ("auto", "diffusion", "preview")


@dataclass(frozen=True)
class EngineChoice:
    """An engine that can run here."""

    name: str
    why: str  #: one line, without a full stop


def choose_engine(engine: str = "auto") -> EngineChoice:
    """The engine for what the user asked: one of ENGINES.

    auto takes diffusion where it and its weights are installed, else preview. Raises InputError
    where the engine asked for cannot run.
    """
    check_choice("engine", engine, ENGINES)
    if engine == "diffusion":
        raise InputError(
            "The diffusion engine is not part of this version yet: use --engine preview, which "
            "needs no download."
        )
    if engine == "preview":
        return EngineChoice("preview", "asked for")
    return EngineChoice(
        "preview", "the diffusion engine and its weights are not part of this version"
    )
