"""State dicts on the disk, of torch or of safetensors: mapped, so that reading one costs little."""

from __future__ import annotations

import os
from collections.abc import Mapping
from pathlib import Path

from safetensors import SafetensorError, safe_open
from torch import Tensor

from ..errors import InputError
from .checkpoints import load_checkpoint
from .wholeness import refusal_of

_WRAPPINGS = 4  #: that are taken off at the most


def read_state(path: str | os.PathLike) -> dict[str, Tensor]:
    """Key -> tensor. Values stay on the disk until they are used; what wraps the dict is off.

    Raises InputError for a file that is missing, damaged, or holds more than tensors.
    """
    path = Path(path)
    if not path.is_file():
        raise InputError(f"{path} does not exist.")
    if is_safetensors(path):
        try:
            with safe_open(path, framework="pt") as file:
                return {key: file.get_tensor(key) for key in file.keys()}
        except (SafetensorError, OSError, RuntimeError) as error:
            spare = "is damaged (its tensors cannot be read): take it from its source again."
            raise InputError(refusal_of(path) or f"{path.name} {spare}") from error
    if sentence := refusal_of(path):
        raise InputError(sentence)
    content = load_checkpoint(path)
    if not isinstance(content, Mapping):
        raise InputError(f"{path.name} holds a {type(content).__name__}, no tensors by name.")
    return {
        key: tensor
        for key, tensor in unwrap(content).items()
        if isinstance(key, str) and isinstance(tensor, Tensor)
    }


def is_safetensors(path: Path) -> bool:
    """Told by the file's beginning: the length of a JSON header, and that header's brace."""
    with path.open("rb") as file:
        start = file.read(9)
    return start[8:9] == b"{"


def unwrap(state: Mapping) -> dict:
    """Without what training scripts put round a state dict: `state_dict`, `module.`."""
    for _ in range(_WRAPPINGS):  # a file can hold itself
        inner = state.get("state_dict", state.get("model_state_dict"))
        if not isinstance(inner, Mapping):
            break
        state = inner
    if state and all(str(key).startswith("module.") for key in state):
        state = {key.removeprefix("module."): tensor for key, tensor in state.items()}
    return dict(state)
