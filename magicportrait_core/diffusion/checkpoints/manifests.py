"""A file against the tensors that its kind has: which are too many, missing, of other shapes."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from torch import Tensor

from ...errors import InputError
from ..layers.configs import GuidanceConfig, TextConfig, UNetConfig, VAEConfig
from .identify import FITS, KINDS, identify, misfit
from .loading import rename_vae_attention, strict_state
from .official_shapes import (
    Shapes,
    base_shapes,
    denoising_shapes,
    guidance_shapes,
    is_motion,
    reference_shapes,
    text_shapes,
    vae_shapes,
)
from .parts import PARTS, by_layout, kind_of, named
from .unused import UNUSED, is_unused

_SHOWN = 3  #: keys named in a sentence
#: slot of the catalogue -> what it is checked as
SLOTS = {
    "denoising_unet": "denoising_unet",
    "reference_unet": "reference_unet",
    "motion_module": "motion_module",
    "guidance_depth": "guidance_encoder",
    "guidance_normal": "guidance_encoder",
    "guidance_render": "guidance_encoder",
    "sd15_unet": "sd15_unet",
    "sd15_text_encoder": "text_encoder",
    "vae": "vae",
}


@dataclass(frozen=True)
class Look:
    """What a file was found to be."""

    kind: str | None  #: one of identify.KINDS
    what: str  #: in words
    faults: tuple[str, ...]  #: why it cannot be used; () where it can
    official: bool  #: it has the sizes of the paper's networks
    whole: bool  #: it lacks nothing of its network


def look(state: Mapping[str, Tensor], slot: str | None = None) -> Look:
    """Compare tensors with those of their kind. slot: a key of SLOTS that they should fill."""
    kind = identify(state)
    what = KINDS.get(kind, "something else")
    if slot and misfit(state, SLOTS[slot]):
        wanted = KINDS[FITS[SLOTS[slot]][0]]
        return Look(kind, what, (f"holds {what}, where {wanted} should be",), False, False)
    if kind in (None, "lora"):
        return Look(kind, what, ("is none of the diffusion models' files",), False, False)
    if kind in ("combined", "checkpoint"):
        faults = _faults_of_parts(kind, state)
        return Look(kind, what, faults, True, not faults)
    if kind == "prompt":
        return Look(kind, what, (), True, True)
    if kind == "unet_part":
        return Look(kind, what, _unknown_names(state), True, False)
    try:
        wanted, official = _wanted(kind, state)
    except (InputError, ValueError) as error:  # torch's, of channels that no layer has
        return Look(kind, what, (str(error).rstrip("."),), False, False)
    own = by_layout(kind, state)
    if kind == "vae":
        own = rename_vae_attention(own)
    missing = [key for key in wanted if key not in own and not _may_lack(kind, key)]
    faults = _faults(own, wanted, missing if kind in _WHOLE else [], kind)
    return Look(kind, what, faults, official, not missing)


#: kinds of which a file must hold all; UNets may come in several
_WHOLE = ("guidance_encoder", "vae", "text_encoder", "motion_module")


def _faults_of_parts(kind: str, state: Mapping[str, Tensor]) -> tuple[str, ...]:
    """What is wrong with the networks in one file."""
    if kind == "checkpoint":
        parts = {"reference_unet": by_layout("unet", state)}
    else:
        parts = {part: named(part, state) for part in (*PARTS, "vae")}
    found = []
    for part, own in parts.items():
        try:
            strict_state(kind_of(part), own, part)
        except InputError as error:
            found.append(str(error).rstrip("."))
    return tuple(found)


def _wanted(kind: str, state: Mapping[str, Tensor]) -> tuple[Shapes, bool]:
    """The tensors of a kind at the sizes of a file, and whether these are the paper's."""
    classes = {"vae": VAEConfig, "text_encoder": TextConfig, "guidance_encoder": GuidanceConfig}
    own = by_layout(kind, state)
    shapes = {key: tuple(tensor.shape) for key, tensor in own.items()}
    of = classes.get(kind, UNetConfig)
    config = UNetConfig.of_motion(shapes) if kind == "motion_module" else of.of(shapes)
    make = {
        "vae": vae_shapes,
        "text_encoder": text_shapes,
        "guidance_encoder": guidance_shapes,
        "denoising_unet": denoising_shapes,
        "motion_module": lambda c: {k: s for k, s in denoising_shapes(c).items() if is_motion(k)},
        "unet": base_shapes,
        "reference_unet": reference_shapes,
    }[kind]
    return make(config), config == of()


def _may_lack(kind: str, key: str) -> bool:
    """Positions are computed, and what no output depends on is not asked for."""
    return key.endswith(".pe") or (kind in UNUSED and is_unused(kind, key))


def _faults(
    state: Mapping[str, Tensor], wanted: Shapes, missing: list[str], kind: str
) -> tuple[str, ...]:
    extra = [k for k in state if k not in wanted and not (kind in UNUSED and is_unused(kind, k))]
    shapes = []
    for key, tensor in state.items():
        if key in wanted and tuple(tensor.shape) != wanted[key]:
            shapes.append(f"{key} is {tuple(tensor.shape)}, not {wanted[key]}")
    told = (("lacks", missing), ("has beside them", extra), ("has other shapes", shapes))
    return tuple(f"{verb} {_some(keys)}" for verb, keys in told if keys)


def _unknown_names(state: Mapping[str, Tensor]) -> tuple[str, ...]:
    known = denoising_shapes(UNetConfig())
    extra = [key for key in state if key not in known and "conv_shortcut" not in key]
    return (f"has beside them {_some(extra)}",) if extra else ()


def _some(keys: list[str]) -> str:
    more = len(keys) - _SHOWN
    return ", ".join(keys[:_SHOWN]) + (f" and {more} more" if more > 0 else "")
