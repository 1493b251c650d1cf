"""Reading one part of the diffusion models out of the files it lies in, whatever their layout."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path

from torch import Tensor

from ...checks import check_shape
from ...errors import InputError
from ...weights.catalog import entry_of
from ...weights.state_files import read_state
from ..text_encoder import PROMPT, encode_prompt
from . import ldm_names
from .identify import EMBEDDING, misfit
from .loading import build_module, lacking, merge_states, strict_state
from .official_shapes import is_motion
from .unused import drop_unused

PARTS = (
    "denoising_unet",
    "reference_unet",
    "guidance_encoder_depth",
    "guidance_encoder_normal",
    "guidance_encoder_render",
)
State = Mapping[str, Tensor]


def kind_of(part: str) -> str:
    """One of loading.MODULES."""
    return "guidance_encoder" if part.startswith("guidance_encoder") else part


def file_name(path: Path) -> str:
    """What a file is called in reports; with its folder where many files have its name."""
    generic = path.stem.split(".")[0] in {"diffusion_pytorch_model", "model", "pytorch_model"}
    return f"{path.parent.name}/{path.name}" if generic else path.name


def read_tensors(part: str, path: Path) -> dict[str, Tensor]:
    """What one file holds of a part (of PARTS, "vae" or "text_encoder"), by diffusers' names.

    Raises InputError where the file cannot be read or holds something else.
    """
    state = read_state(path)
    kind = kind_of(part)
    if held := misfit(state, kind):
        raise InputError(
            f"{file_name(path)} holds {held}, where the tensors of {_words(part)} should be "
            f"({path}): put the right file there."
        )
    return drop_unused(kind, named(part, state))


def read_part_of(part: str, paths: Sequence[Path]) -> tuple[dict[str, Tensor], dict[str, int]]:
    """The union of the files, later ones over earlier ones, and what each supplied.

    Files that are not needed for what the later ones lack are not opened. Raises InputError.
    """
    kind, states, union = kind_of(part), [], {}
    for path in reversed(paths):
        needed = not states or lacking(kind, union)
        state = read_tensors(part, path) if needed else {}
        states.insert(0, (file_name(path), state))
        union = state | union
    merged, counts = merge_states(states)
    try:
        return strict_state(kind, merged, " with ".join(counts)), counts
    except InputError as error:
        raise InputError(f"{error}{_hint(part, merged, paths)}") from error


def lacking_from(part: str, paths: Sequence[Path]) -> list[str]:
    """The keys of a UNet that its files have not, all together."""
    union: dict[str, Tensor] = {}
    for path in paths:
        union |= read_tensors(part, path)
    return lacking(kind_of(part), union)


def read_vae(path: Path) -> dict[str, Tensor]:
    """The VAE's state dict out of any file that holds one. Raises InputError."""
    return strict_state("vae", read_tensors("vae", path), file_name(path))


def read_text(path: Path) -> Tensor:
    """(1, 77, c) float32: the embedding as it is stored, else what the text encoder makes.

    Raises InputError where there is neither.
    """
    state = read_state(path)
    stored = state.get(EMBEDDING, state.get(f"text.{EMBEDDING}"))
    if stored is None:
        made = build_module("text_encoder", read_tensors("text_encoder", path), file_name(path))
        return encode_prompt(made.float())
    check_shape(f"the embedding in {path.name}", stored, 1, "s", "c")
    return stored.float()


def by_layout(kind: str, state: State) -> dict[str, Tensor]:
    """A network's tensors in a file's layout, by diffusers' names."""
    whole = ldm_names.is_checkpoint(state)
    if kind == "vae" and (whole or ldm_names.is_vae(state)):
        return ldm_names.vae_state(state)
    if kind == "text_encoder":
        below = ldm_names.text_state(state) if whole else state
        return {k if "text_model." in k else _text_key(k): t for k, t in below.items()}
    return ldm_names.unet_state(state) if whole else dict(state)


def named(part: str, state: State) -> dict[str, Tensor]:
    """A part's own tensors (of PARTS, "vae" or "text_encoder"), by diffusers' names."""
    prefix = f"{part}."
    if any(key.startswith(prefix) for key in state):
        return {k.removeprefix(prefix): t for k, t in state.items() if k.startswith(prefix)}
    return by_layout(kind_of(part), state)


def _text_key(key: str) -> str:
    """Some files leave out the first word of the text encoder's names."""
    own = key.startswith(("embeddings.", "encoder.", "final_layer_norm."))
    return f"text_model.{key}" if own else key


def _hint(part: str, union: State, paths: Sequence[Path]) -> str:
    """What else could supply what is missing."""
    missing = lacking(kind_of(part), union)
    if not missing or part not in ("denoising_unet", "reference_unet"):
        return ""
    motion = part == "denoising_unet" and all(is_motion(key) for key in missing)
    entry = entry_of("motion_module" if motion else "sd15_unet")
    if any(path.name == Path(entry.name).name for path in paths):
        return ""
    return f" What is missing may be in another file: {entry.how_to_get(paths[-1].parent)}"


def _words(part: str) -> str:
    if part == "text_encoder":
        return f"a text encoder, for the prompt “{PROMPT}”,"
    return part.replace("_", " ").replace("unet", "UNet").replace("vae", "the VAE")
