"""encoders.safetensors: E_flame and SMIRK's encoders, filled by the README's hash."""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import contextmanager

import torch
from torch import Tensor, nn

from magicportrait_core.flame.trackers.deca import load_deca
from magicportrait_core.flame.trackers.loading import ready
from magicportrait_core.flame.trackers.smirk import load_smirk, split_expression
from tests.goldens.registry import Family, GoldenFile
from tests.goldens.rows import Computed
from tests.hashed_weights import deca_state, smirk_state

INPUTS = ("input",)
#: layers before their norm: a folded network has no such values
UNFOLDED = ("conv1", "conv_stem")


def compute(file: GoldenFile) -> Iterator[Computed]:
    """Outputs and activations of the networks as tracking runs them, norms folded."""
    image = file.tensors["input"]
    if any(name.startswith("E_flame.") for name in file.tensors):
        plain = load_deca(deca_state(file.folder))
        (parameters,) = yield from _run(file, "E_flame", plain, {"": plain}, image)
        yield Computed("E_flame.parameters", parameters)
    if any(name.startswith("smirk_encoder.") for name in file.tensors):
        plain = load_smirk(smirk_state(file.folder))
        parts = dict(plain.named_children())
        pose, shape, raw = yield from _run(file, "smirk_encoder", plain, parts, image)
        face = split_expression(raw)
        outputs = {
            "cam": pose[:, 3:],
            "pose_params": pose[:, :3],
            "shape_params": shape,
            "expression_layers_raw55": raw,
            "expression_params": face.expression,
            "eyelid_params": face.eyelids,
            "jaw_params": face.jaw,
        }
        for name, value in outputs.items():
            yield Computed(f"smirk_encoder.{name}", value)


def _run(
    file: GoldenFile, name: str, plain: nn.Module, parts: dict[str, nn.Module], image: Tensor
) -> Iterator[Computed]:
    """Yield the activations of the parts, return their outputs."""
    fast = ready(plain, "cpu")
    outputs = []
    for part in parts:
        wanted = _layers(file, name, part)
        with torch.inference_mode():
            stems = [layer for layer in wanted if layer.split(".")[-1] in UNFOLDED]
            with _recorded(plain.get_submodule(part), stems) as seen:
                plain.get_submodule(part)(image)
            rest = [layer for layer in wanted if layer not in stems]
            with _recorded(fast.get_submodule(part), rest) as seen_fast:
                x = image.contiguous(memory_format=torch.channels_last)
                outputs.append(fast.get_submodule(part)(x))
        prefix = ".".join(filter(None, [name, "act", part]))
        for layer, value in {**seen, **seen_fast}.items():
            spread = torch.stack([value.mean(), value.std(), value.abs().max()])
            yield Computed(f"{prefix}.{layer}", spread)
            yield Computed(f"{prefix}.{layer}.head", value.contiguous().flatten()[:64])
    return outputs


def _layers(file: GoldenFile, name: str, part: str) -> list[str]:
    """Layers of the backbone of which the file holds activations."""
    prefix = re.escape(".".join(filter(None, [name, "act", part])))
    found = (re.fullmatch(prefix + r"\.(.+?)(\.head)?", tensor) for tensor in file.tensors)
    return sorted({match[1] for match in found if match})


@contextmanager
def _recorded(network: nn.Module, layers: list[str]) -> Iterator[dict[str, Tensor]]:
    """What layers of a network's backbone give while it runs."""
    seen: dict[str, Tensor] = {}

    def keep(layer: str):
        def hook(_module: nn.Module, _inputs: tuple, output: Tensor) -> None:
            seen[layer] = output.clone()

        return hook

    backbone = network.encoder
    handles = [backbone.get_submodule(n).register_forward_hook(keep(n)) for n in layers]
    try:
        yield seen
    finally:
        for handle in handles:
            handle.remove()


FAMILY = Family("encoders*.safetensors", compute, INPUTS)
