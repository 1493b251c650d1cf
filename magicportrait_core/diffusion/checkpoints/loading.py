"""State dicts into modules, strictly: what does not fit is named."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence

import torch
from torch import Tensor, nn

from ...errors import InputError
from ...weights.state_files import unwrap
from ..guidance_encoder import GuidanceEncoder
from ..layers.configs import GuidanceConfig, TextConfig, UNetConfig, VAEConfig
from ..motion_module import PositionalEncoding, positions
from ..reference_unet import ReferenceUNet
from ..text_encoder import TextEncoder
from ..unet import DenoisingUNet
from ..vae import VAE
from .unused import drop_unused

State = Mapping[str, Tensor]

#: kind of module -> the class of its sizes, its class
MODULES: dict[str, tuple[type, type]] = {
    "denoising_unet": (UNetConfig, DenoisingUNet),
    "reference_unet": (UNetConfig, ReferenceUNet),
    "guidance_encoder": (GuidanceConfig, GuidanceEncoder),
    "vae": (VAEConfig, VAE),
    "text_encoder": (TextConfig, TextEncoder),
}
_SHOWN = 5  #: keys named in an error
#: how early diffusers named the layers of the VAE's attention
_OLD_NAMES = {"query": "to_q", "key": "to_k", "value": "to_v", "proj_attn": "to_out.0"}


def build_module(
    kind: str, state: State, name: str | None = None, dtype: torch.dtype | None = None
) -> nn.Module:
    """The module (a kind of MODULES) whose sizes and weights these are, ready to compute.

    Nothing is copied where the dtype stays: the state's tensors become the module's. ``name`` is
    what errors call the weights. Raises InputError for a missing, unexpected or ill-shaped tensor.
    """
    name = name or kind
    state = unwrap(state)
    return load_into(_module_of(kind, state, name), kind, state, name, dtype)


def load_into(
    module: nn.Module, kind: str, state: State, name: str, dtype: torch.dtype | None = None
) -> nn.Module:
    """Give a module its weights, in evaluation mode and without gradients; returns it.

    The tensors that no output depends on are dropped, old names of the VAE translated, positions
    that the file lacks computed. Raises InputError where a tensor is missing, unexpected or of
    another shape.
    """
    state = _strict(module, kind, state, name)
    if dtype is not None:
        state = {k: v.to(dtype) if v.is_floating_point() else v for k, v in state.items()}
    module.load_state_dict(state, assign=True)
    return module.eval().requires_grad_(False)


def strict_state(kind: str, state: State, name: str) -> dict[str, Tensor]:
    """The state dict as the module wants it, its keys and shapes checked.

    The tensors that no output depends on are dropped, old names translated, absent positions
    computed. Raises InputError where it does not fit.
    """
    return _strict(_module_of(kind, state, name), kind, state, name)


def lacking(kind: str, state: State) -> list[str]:
    """The keys that a network of these sizes has and the state dict has not.

    All is lacking, said as one key, where not even the sizes can be told. Absent positions are
    computed and are no lack.
    """
    try:
        module = _module_of(kind, state, kind)
    except InputError:
        return ["its sizes"]
    known = _positions(module)
    return [key for key in module.state_dict() if key not in state and key not in known]


def _module_of(kind: str, state: State, name: str) -> nn.Module:
    """A module of the sizes that these weights have, without memory of its own."""
    config_class, module_class = MODULES[kind]
    try:
        config = config_class.of({key: tuple(tensor.shape) for key, tensor in state.items()})
        return module_class(config, device="meta")
    except InputError as error:
        raise InputError(f"{name}: {error}") from error
    except ValueError as error:  # torch's, of channels that its layers cannot have
        raise InputError(f"{name}: no network here has such sizes ({error}).") from error


def _strict(module: nn.Module, kind: str, state: State, name: str) -> dict[str, Tensor]:
    state = drop_unused(kind, rename_vae_attention(state) if kind == "vae" else state)
    state = {**_positions(module), **state}
    check_state(module, state, name)
    return state


def check_state(module: nn.Module, state: State, name: str) -> None:
    """Raise InputError unless the keys and shapes are exactly the module's."""
    wanted = {key: tuple(tensor.shape) for key, tensor in module.state_dict().items()}
    missing = [key for key in wanted if key not in state]
    unexpected = [key for key in state if key not in wanted]
    shapes = [
        f"{key} is {tuple(state[key].shape)}, not {shape}"
        for key, shape in wanted.items()
        if key in state and tuple(state[key].shape) != shape
    ]
    faults = [("missing", missing), ("unexpected", unexpected), ("of another shape", shapes)]
    texts = [f"{len(keys)} {what}: {_some(keys)}" for what, keys in faults if keys]
    if texts:
        raise InputError(
            f"{name} does not fit its network ({'; '.join(texts)}): use the file that belongs here."
        )


def merge_states(parts: Sequence[tuple[str, State]]) -> tuple[dict[str, Tensor], dict[str, int]]:
    """The union of (name, state) pairs, later ones over earlier ones.

    Also says how many of the union's tensors each part supplied.
    """
    merged: dict[str, Tensor] = {}
    source: dict[str, str] = {}
    for name, state in parts:
        state = unwrap(state)
        merged.update(state)
        source.update(dict.fromkeys(state, name))
    counts = {name: sum(given == name for given in source.values()) for name, _ in parts}
    return merged, counts


def rename_vae_attention(state: State) -> dict[str, Tensor]:
    """Early names of the VAE's attention as they are now; 1x1 convolutions become linear layers."""
    pattern = re.compile(r"(.*\.attentions\.\d+\.)(query|key|value|proj_attn)(\.\w+)")
    renamed = {}
    for key, tensor in state.items():
        if found := pattern.fullmatch(key):
            key = found[1] + _OLD_NAMES[found[2]] + found[3]
        if ".attentions." in key and tensor.ndim == 4:
            tensor = tensor.flatten(1)
        renamed[key] = tensor
    return renamed


def _positions(module: nn.Module) -> dict[str, Tensor]:
    """The motion modules' sinusoids, which a file may leave out."""
    found = {}
    for name, part in module.named_modules():
        if isinstance(part, PositionalEncoding):
            found[f"{name}.pe"] = positions(part.pe.shape[1], part.pe.shape[2])
    return found


def _some(keys: Sequence[str]) -> str:
    more = len(keys) - _SHOWN
    return ", ".join(keys[:_SHOWN]) + (f" and {more} more" if more > 0 else "")
