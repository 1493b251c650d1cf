"""Which engine draws the frames, and why."""

from __future__ import annotations

import os
from dataclasses import dataclass

from .checks import check_choice
from .errors import InputError
from .weights.advice import command, models_option
from .weights.folders import models_folder

KIND = "magicportrait"  #: of the folder that holds the diffusion engine's weights
ENGINES = ("auto", "diffusion", "preview")


@dataclass(frozen=True)
class EngineChoice:
    """An engine that can run here."""

    name: str
    why: str  #: one line, without a full stop


def choose_engine(engine: str = "auto", models: str | os.PathLike | None = None) -> EngineChoice:
    """The engine for what the user asked: one of ENGINES.

    auto takes diffusion where all its weights are in the models folder, else preview. Nothing is
    loaded. Raises InputError where the engine asked for cannot run: what is missing, and where it
    comes from.
    """
    from .diffusion.checkpoints.model_files import find_model_files

    check_choice("engine", engine, ENGINES)
    if engine == "preview":
        return EngineChoice("preview", "asked for")
    folder = models_folder(models)
    try:
        find_model_files(folder)
    except InputError as error:
        if engine == "diffusion":
            raise InputError(
                f"{error} Or use --engine preview, which needs no download."
            ) from error
        listed = command("weights list" + (models_option(folder / KIND, KIND) or ""))
        why = f"the diffusion engine's weights are not all in {folder}: {listed}"
        return EngineChoice("preview", why)
    return EngineChoice("diffusion", "asked for" if engine != "auto" else "its weights are here")
