"""LoRAs: small changes of a network's weights, read from a file and added.

https://arxiv.org/abs/2106.09685, section 4.1: W + strength * alpha / rank * up @ down. Of
convolutions (LoCon) the matrices are kernels: down k x k and up 1 x 1, or both 1 x 1 with a
k x k kernel between them.
"""

from __future__ import annotations

import math
from collections import defaultdict
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import torch
from torch import Tensor, nn

from ...checks import check_range
from ...errors import InputError
from .formats import Contents, Matrices, read_contents
from .names import LayerNames, is_text_encoder

_SHOWN = 3  #: names in a report
MAX_STRENGTH = 100.0


@dataclass(frozen=True)
class LoraLayer:
    """The change of one weight."""

    up: Tensor  #: (out, r) or (out, r, 1, 1)
    down: Tensor  #: (r, in) or (r, in, k, k); (r, in, 1, 1) where there is a mid
    mid: Tensor | None = None  #: (r, r, k, k)
    alpha: float | None = None  #: None: the rank

    @property
    def rank(self) -> int:
        return self.down.shape[0]

    @property
    def shape(self) -> tuple[int, ...]:
        """Of the weight that this was made for, as the matrices tell it."""
        kernel = self.down.shape[2:] if self.mid is None else self.mid.shape[2:]
        return (self.up.shape[0], self.down.shape[1], *kernel)

    def fits(self, shape: Sequence[int]) -> bool:
        """Whether a weight of this shape can take it: 1x1 kernels and matrices are the same."""
        return _trimmed(self.shape) == _trimmed(shape)

    def delta(self, device: torch.device | str = "cpu") -> Tensor:
        """alpha / rank * up @ down, float32, of ``shape``."""
        up, down = (m.to(device, torch.float32).flatten(1) for m in (self.up, self.down))
        if self.mid is not None:
            kernel = self.mid.to(device, torch.float32)
            down = torch.einsum("rshw,si->rihw", kernel, down).flatten(1)
        scale = 1.0 if self.alpha is None else self.alpha / self.rank
        return scale * (up @ down).reshape(self.shape)


@dataclass(frozen=True)
class LoraFile:
    """A LoRA as it fits one network."""

    name: str  #: of the file
    layers: Mapping[str, LoraLayer] = field(repr=False)  #: by the key of the network's weight
    unmatched: tuple[str, ...] = ()  #: the file's names of layers that the network has not
    text: tuple[str, ...] = ()  #: the file's names of a text encoder's layers: never used here

    @property
    def matched(self) -> tuple[str, ...]:
        """Keys of the network's weights that it changes."""
        return tuple(self.layers)

    def comfy_state(self) -> dict[str, Tensor]:
        """The matched layers as ``comfy.lora.load_lora`` knows them by a model's own names."""
        state: dict[str, Tensor] = {}
        for key, layer in self.layers.items():
            stem = f"diffusion_model.{key.removesuffix('.weight')}"
            state[f"{stem}.lora_up.weight"] = layer.up
            state[f"{stem}.lora_down.weight"] = layer.down
            if layer.mid is not None:
                state[f"{stem}.lora_mid.weight"] = layer.mid
            if layer.alpha is not None:
                state[f"{stem}.alpha"] = torch.tensor(layer.alpha)
        return state

    def summary(self) -> str:
        """One sentence: how many layers fit, which do not."""
        parts = [f"{len(self.layers)} layers matched", f"{len(self.unmatched)} unmatched"]
        if self.unmatched:
            parts[-1] += f" ({_some(self.unmatched)})"
        if self.text:
            parts.append(f"{len(self.text)} for a text encoder, not used here")
        return f"{self.name}: {', '.join(parts)}."


@dataclass(frozen=True)
class LoraReport:
    """What was added to a network."""

    files: tuple[tuple[LoraFile, float], ...]  #: with their strengths
    changed: int  #: weights that are no longer what they were

    def __str__(self) -> str:
        return "\n".join(f"{file.summary()} Strength {s:g}." for file, s in self.files)


def read_lora(
    source: str | Path | Mapping[str, Tensor],
    keys: Collection[str] | Mapping[str, Tensor],
    name: str | None = None,
) -> LoraFile:
    """Read a LoRA for a network; see `formats` for the forms of file.

    Args:
        source: a .safetensors, .ckpt, .pt, .pth or .bin, or its state dict.
        keys: the network's weights by name, "down_blocks.0....to_q.weight". Where it is a state
            dict the shapes are checked too.
        name: what reports and errors call it; the file's name if left out.

    Raises InputError for a file that is damaged, no LoRA, of a kind that is not known here, or
    made for a network with the same names and other sizes.
    """
    if name is None:
        name = "the LoRA" if isinstance(source, Mapping) else Path(source).name
    contents = read_contents(source, name)
    names = LayerNames(keys)
    layers: dict[str, LoraLayer] = {}
    strangers = list(contents.others)
    for layer_name, matrices in contents.layers.items():
        key = names.find(layer_name)
        if key is None:
            strangers.append(layer_name)
            continue
        if key in layers:
            raise InputError(f"{name} has {key} under two names: use a file with one.")
        layers[key] = _layer(contents, layer_name, matrices)
        if isinstance(keys, Mapping):
            _check_fit(name, key, layers[key], keys[key].shape)
    text = tuple(stranger for stranger in strangers if is_text_encoder(stranger))
    unmatched = tuple(stranger for stranger in strangers if stranger not in text)
    return LoraFile(name, layers, unmatched, text)


@torch.no_grad()
def merge_loras(module: nn.Module, loras: Sequence[tuple[LoraFile, float]]) -> LoraReport:
    """Add LoRAs to a module's weights, each with its strength; 0 leaves them bit for bit.

    The sum is made in float32, whatever the module's dtype, and rounded once. Parameters keep
    their identity but get new memory: a state dict that they were loaded from stays as it was.
    Give a new `Memo` to forwards after this. Raises InputError, before anything is changed, where
    a shape or a key does not fit.
    """
    weights = dict(module.named_parameters())
    wanted: dict[str, list[tuple[LoraLayer, float]]] = defaultdict(list)
    for file, strength in loras:
        check_range(f"the strength of {file.name}", strength, -MAX_STRENGTH, MAX_STRENGTH)
        for key, layer in file.layers.items():
            if key not in weights:
                raise InputError(
                    f"{file.name} was read for another network: {key} is not in this one."
                )
            _check_fit(file.name, key, layer, weights[key].shape)
            if strength:
                wanted[key].append((layer, strength))
    for key, layers in wanted.items():
        weight = weights[key]
        merged = weight.to(torch.float32, copy=True)
        for layer, strength in layers:
            merged += strength * layer.delta(weight.device).reshape(weight.shape)
        weight.data = merged.to(weight.dtype)
    return LoraReport(tuple(loras), len(wanted))


def check_matched(files: Sequence[LoraFile]) -> None:
    """Raise InputError where one LoRA, read for several networks, fits none of them."""
    if any(file.layers for file in files):
        return
    reason = "it changes only a text encoder" if files[0].text else "no layer of it is known"
    names = f" ({_some(files[0].unmatched)})" if files[0].unmatched else ""
    raise InputError(
        f"{files[0].name} fits nothing here: {reason}{names}. Use a LoRA made for Stable Diffusion "
        "1.5 or for motion modules of AnimateDiff."
    )


def _layer(contents: Contents, name: str, matrices: Matrices) -> LoraLayer:
    """The matrices of one layer, checked. Raises InputError."""
    where = f"{contents.name}, {name}"
    up, down, mid = matrices.up, matrices.down, matrices.mid
    if up is None or down is None:
        missing = "up" if up is None else "down"
        raise InputError(f"{where}: the {missing} matrix is missing: the file is not whole.")
    flat_up = up.ndim == 2 or (up.ndim == 4 and tuple(up.shape[2:]) == (1, 1))
    if not flat_up or down.ndim not in (2, 4):
        raise InputError(f"{where}: matrices of shapes {_shapes(up, down)} are not known.")
    rank = down.shape[0]
    if up.shape[1] != rank or not rank:
        raise InputError(f"{where}: the ranks of up and down differ, {_shapes(up, down)}.")
    if mid is not None and (mid.ndim != 4 or tuple(mid.shape[:2]) != (rank, rank)):
        raise InputError(f"{where}: mid is {_shapes(mid)}, not ({rank}, {rank}, k, k).")
    alpha = matrices.alpha
    if isinstance(alpha, Tensor):
        if alpha.numel() != 1:
            raise InputError(f"{where}: alpha is {_shapes(alpha)}, not one number.")
        alpha = float(alpha)
    finite = all(m is None or bool(torch.isfinite(m.float()).all()) for m in (up, down, mid))
    if not finite or (alpha is not None and not math.isfinite(alpha)):
        raise InputError(f"{where}: a number is not finite: the file is damaged.")
    return LoraLayer(up, down, mid, alpha)


def _check_fit(name: str, key: str, layer: LoraLayer, shape: Sequence[int]) -> None:
    if not layer.fits(shape):
        raise InputError(
            f"{name} is made for another network: {key} is {tuple(shape)} here and {layer.shape} "
            "there. Use a LoRA made for Stable Diffusion 1.5."
        )


def _trimmed(shape: Sequence[int]) -> tuple[int, ...]:
    return tuple(shape[:2]) if tuple(shape[2:]) == (1, 1) else tuple(shape)


def _shapes(*tensors: Tensor) -> str:
    return " and ".join(str(tuple(tensor.shape)) for tensor in tensors)


def _some(names: Sequence[str]) -> str:
    more = len(names) - _SHOWN
    return ", ".join(names[:_SHOWN]) + (f" and {more} more" if more > 0 else "")
