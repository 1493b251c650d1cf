"""What to do about a file of weights, in words that work where they are read.

Who installed this package types `magicportrait`; who runs it from the node pack's folder types
`python -m magicportrait_core`; who sits before ComfyUI has nodes, folders, and the Python that
ComfyUI runs on. Every message that names a command, a node or a folder to drop a file into takes
its words from here.
"""

from __future__ import annotations

import os
import sys
from pathlib import Path

from .folders import models_folder

HEAD_LOADER, MODEL_LOADER = "Load Head Model", "Load MagicPortrait Model"
#: key of the catalogue -> the node that downloads it; "diffusion" is all that MODEL_LOADER lacks
_NODES = {
    "gnm_head": HEAD_LOADER,
    **dict.fromkeys(
        (
            "diffusion", "denoising_unet", "reference_unet", "motion_module", "guidance_depth",
            "guidance_normal", "guidance_render",
        ),
        MODEL_LOADER,
    ),
}  # fmt: skip
_CORE = Path(__file__).absolute().parents[1]


def in_comfyui() -> bool:
    """Whether ComfyUI imported this package: as a part of the node pack, under a longer name."""
    return not __name__.startswith(f"{_CORE.name}.")


def command(words: str) -> str:
    """A command of this program as it is typed here, between backquotes.

    >>> command("weights list")
    '`magicportrait weights list`'
    """
    return f"`{program()} {words}`"


def program() -> str:
    """How this program is started: as it was, or with the Python of the ComfyUI that it is in."""
    here = f"{_quoted(sys.executable)} {_quoted(_CORE / 'cli')}"
    if in_comfyui():
        return here
    started = Path(*sys.argv[:1]).absolute()
    if started == _CORE / "__main__.py":
        return f"python -m {_CORE.name}"
    apart = started in (_CORE / "cli", _CORE / "cli" / "__main__.py")
    return here if apart else "magicportrait"


def models_option(folder: str | os.PathLike, kind: str) -> str | None:
    """What a command is told so that it uses this folder of a kind; "" where it does so anyway.

    None where no command can: extra_model_paths.yaml of ComfyUI gives a folder any name.
    """
    folder = Path(folder).absolute()
    if folder == (models_folder() / kind).absolute():
        return ""
    return f' --models "{folder.parent}"' if folder.name == kind else None


def downloading(key: str, kind: str, folder: str | os.PathLike) -> str | None:
    """How a file of the catalogue, or "diffusion", is downloaded into a kind's folder; None: by
    hand alone. Goes on as in "run ..., or take it from"."""
    if in_comfyui() and (node := _NODES.get(key)):
        chosen = " (having chosen it there)" if key == "motion_module" else ""
        return f"set if_missing to download on {node}{chosen} and {running_again()}"
    option = models_option(folder, kind)
    return None if option is None else "run " + command(f"weights download {key}{option}")


def importing(
    what: str = "the official file",
    folder: str | os.PathLike | None = None,
    *,
    file: object = "FILE",
    name: str = "",
) -> str:
    """How a file of head models is brought in: an imperative, without a full stop.

    Args:
        folder: models/flame, where it is known.
        file: the file as the command is given it.
        name: what it is to be called, "NAME"; "": what its content says.
    """
    if in_comfyui():
        place = "models/flame" if folder is None else folder
        return f"put {what}, as it was downloaded, into {place}: it is converted when it is used"
    option = "" if folder is None else models_option(folder, "flame") or ""
    named = f" --as {name}" if name else ""
    return f"import {what} with " + command(f"weights import {_quoted(file)}{named}{option}")


def importing_all(folder: str | os.PathLike | None = None) -> str:
    """How several files of head models, named before, are brought in: an imperative."""
    if in_comfyui():
        place = "models/flame" if folder is None else folder
        return f"put them, as they were downloaded, into {place}"
    option = "" if folder is None else models_option(folder, "flame") or ""
    return "import each with " + command(f"weights import FILE{option}")


def running_again() -> str:
    """How what failed is tried again: an imperative."""
    return "press Run again" if in_comfyui() else "run the command again"


def trimming() -> str:
    """What cuts a clip: the inputs of Load Driving Video, or options."""
    if in_comfyui():
        return "skip_first_frames and frame_load_cap"
    return "start, end or the frames to skip"


def replacing_with(folder: str | os.PathLike | None = None, what: str = "the official file") -> str:
    """How a converted file that cannot be used is made again, of ``what``."""
    first = "delete it and " if in_comfyui() else ""
    return first + importing(what, folder)


def whereabouts(what: str = "where", node: str = HEAD_LOADER) -> str:
    """Who says where official files come from: subject and verb, "... says where".

    what: that is said.
    """
    if in_comfyui():
        return f"the help page of {node} says {what}"
    return command("weights list") + f" says {what}"


def seeing() -> str:
    """What draws a head's track over its driver."""
    return "FLAME Track's overlay" if in_comfyui() else command("maps --driving")


def _quoted(path: object) -> str:
    text = str(path)
    return f'"{text}"' if " " in text else text
