"""Files of LoRAs, of whatever trainer: which tensor is which matrix of which layer.

kohya and LoCon write ``NAME.lora_up.weight``, peft ``NAME.lora_B.weight``, diffusers
``NAME.lora.up.weight`` and formerly ``….processor.to_q_lora.up.weight``.
"""

from __future__ import annotations

import json
import math
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from safetensors import SafetensorError, safe_open
from torch import Tensor

from ...errors import InputError
from ...weights.checkpoints import load_checkpoint
from ...weights.state_files import unwrap
from ...weights.wholeness import refusal_of

#: pattern of a key's end -> which matrix it is
_ROLES = {
    r"\.lora_up\.weight": "up",
    r"\.lora_down\.weight": "down",
    r"\.lora_mid\.weight": "mid",
    r"\.lora_B((\.\w+)?\.weight)?": "up",
    r"\.lora_A((\.\w+)?\.weight)?": "down",
    r"[._]lora\.up\.weight": "up",
    r"[._]lora\.down\.weight": "down",
    r"\.lora_linear_layer\.up\.weight": "up",
    r"\.lora_linear_layer\.down\.weight": "down",
    r"(_lora|\.lora)?\.alpha": "alpha",
}
_ENDS = [(re.compile(f"(.+?){end}"), role) for end, role in _ROLES.items()]
#: pattern within a key -> the method, which is not added here
_REFUSED = {
    r"\.hada_w\d": "LoHa",
    r"\.lokr_w\d": "LoKr",
    r"\.dora_scale$|\.lora_magnitude_vector": "DoRA",
    r"\.oft_(blocks|diag)": "OFT",
    r"\.[ab][12]\.weight$": "GLoRA",
    r"\.on_input$": "IA3",
    r"\.(diff|diff_b|set_weight|w_norm|b_norm)$": "whole differences of weights",
}


@dataclass
class Matrices:
    """The tensors of one layer, as they are in the file."""

    up: Tensor | None = None
    down: Tensor | None = None
    mid: Tensor | None = None
    alpha: Tensor | float | None = None


@dataclass(frozen=True)
class Contents:
    """A file taken apart."""

    name: str  #: what errors call it
    layers: dict[str, Matrices] = field(default_factory=dict)  #: by the file's own names of layers
    others: list[str] = field(default_factory=list)  #: keys that are no part of a LoRA


def read_contents(source: str | Path | Mapping[str, Tensor], name: str) -> Contents:
    """Take a file or a state dict apart. Raises InputError for what is no LoRA."""
    state, alphas = (source, Alphas()) if isinstance(source, Mapping) else _read(Path(source))
    contents = Contents(name)
    for key, tensor in state.items():
        _refuse(key, name)
        layer, role = _split(key)
        if layer is None:
            contents.others.append(key)
            continue
        matrices = contents.layers.setdefault(layer, Matrices())
        if getattr(matrices, role) is not None:
            raise InputError(f"{name} has two {role} matrices of {layer}: use one adapter a file.")
        setattr(matrices, role, tensor)
    if not any(m.up is not None or m.down is not None for m in contents.layers.values()):
        shown = ", ".join(list(state)[:3]) or "none"
        raise InputError(f"{name} is not a LoRA: it has no up and down matrices (keys: {shown}).")
    for layer, matrices in contents.layers.items():
        if matrices.alpha is None and matrices.down is not None:
            matrices.alpha = alphas.of(layer, matrices.down.shape[0])
    return contents


@dataclass(frozen=True)
class Alphas:
    """What peft says of alpha beside the tensors."""

    settings: Mapping[str, object] = field(default_factory=dict)

    def of(self, layer: str, rank: int) -> float | None:
        """The alpha of a layer by the file's own name; None: none is given, it is the rank."""
        alpha = self.settings.get("lora_alpha")
        patterns = self.settings.get("alpha_pattern")
        for pattern, value in patterns.items() if isinstance(patterns, Mapping) else ():
            if layer == pattern or layer.endswith(f".{pattern}"):
                alpha = value
        if not isinstance(alpha, (int, float)):
            return None
        return alpha * math.sqrt(rank) if self.settings.get("use_rslora") else float(alpha)


def _split(key: str) -> tuple[str | None, str]:
    """Layer and role of a key; no layer for what is no part of a LoRA."""
    for pattern, role in _ENDS:
        if found := pattern.fullmatch(key):
            return found[1], role
    return None, ""


def _refuse(key: str, name: str) -> None:
    for pattern, method in _REFUSED.items():
        if re.search(pattern, key):
            raise InputError(
                f"{name} is {method}, not a plain LoRA or LoCon ({key}): convert it to a LoRA, or "
                "choose another file."
            )


def _read(path: Path) -> tuple[dict[str, Tensor], Alphas]:
    if not path.is_file():
        raise InputError(f"There is no LoRA file {path}.")
    if sentence := refusal_of(path):
        raise InputError(sentence)
    if path.suffix.lower() != ".safetensors":
        return _tensors(load_checkpoint(path), path.name), _beside(path)
    try:
        with safe_open(path, "pt") as file:
            state = {key: file.get_tensor(key) for key in file.keys()}
            metadata = file.metadata() or {}
    except (SafetensorError, OSError, ValueError) as error:
        raise InputError(
            f"{path.name} is no safetensors, or damaged ({error}): download it again."
        ) from error
    return state, _in_metadata(metadata) or _beside(path)


def _tensors(content: object, name: str) -> dict[str, Tensor]:
    """The tensors of a checkpoint, without what training scripts put round them."""
    if not isinstance(content, Mapping):
        raise InputError(f"{name} is not a LoRA: it holds {type(content).__name__}, not tensors.")
    content = unwrap(content)
    return {k: v for k, v in content.items() if isinstance(k, str) and isinstance(v, Tensor)}


def _in_metadata(metadata: Mapping[str, str]) -> Alphas | None:
    """What diffusers writes into a .safetensors: {"unet.lora_alpha": 8, ...} as JSON."""
    try:
        settings = json.loads(metadata.get("lora_adapter_metadata", ""))
        own = {k.removeprefix("unet."): v for k, v in settings.items() if k.startswith("unet.")}
    except (ValueError, AttributeError):
        return None
    return Alphas(own or settings)


def _beside(path: Path) -> Alphas:
    """What peft writes beside its adapter_model.safetensors."""
    config = path.with_name("adapter_config.json")
    if not path.stem.startswith("adapter_model") or not config.is_file():
        return Alphas()
    try:
        settings = json.loads(config.read_text(encoding="utf-8"))
    except ValueError as error:
        raise InputError(f"{config} beside the LoRA is not JSON ({error}).") from error
    return Alphas(settings if isinstance(settings, dict) else {})
