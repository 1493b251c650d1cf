"""The core's networks made of the host's layers, so that it may move, cast and patch them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import comfy.ops
import torch
from comfy import model_management
from comfy.ldm.modules.attention import optimized_attention
from torch import Tensor, nn

from ...magicportrait_core.diffusion.checkpoints.loading import MODULES, load_into

#: what a user may choose; float16 comes before bfloat16, which loses ten times as much here
DTYPES = {
    "auto": None,
    "fp16": torch.float16,
    "bf16": torch.bfloat16,
    "fp32": torch.float32,
}
SUPPORTED = [torch.float16, torch.bfloat16, torch.float32]


@dataclass(frozen=True)
class Precision:
    """How weights are held and computed with."""

    weights: torch.dtype
    cast: torch.dtype | None  #: what the host casts them to as they are used; None: nothing

    @property
    def computed(self) -> torch.dtype:
        return self.cast or self.weights


def choose_precision(choice: str, state: Mapping[str, Tensor]) -> Precision:
    """One of DTYPES; auto asks the host what this device does well."""
    device = model_management.get_torch_device()
    weights = DTYPES[choice]
    if weights is None:
        count = sum(tensor.numel() for tensor in state.values())
        weights = model_management.unet_dtype(
            device=device, model_params=count, supported_dtypes=SUPPORTED
        )
    if weights not in SUPPORTED:  # the host was started with a flag for 8 bits
        weights = torch.float16
    return Precision(weights, model_management.unet_manual_cast(weights, device, SUPPORTED))


def config_of(kind: str, state: Mapping[str, Tensor]):
    """The sizes of the network of that kind (of loading.MODULES) whose weights these are."""
    return MODULES[kind][0].of({key: tuple(tensor.shape) for key, tensor in state.items()})


def host_module(
    kind: str, state: Mapping[str, Tensor], name: str, precision: Precision
) -> nn.Module:
    """The network with its weights, on the CPU. Raises InputError where they do not fit."""
    operations = comfy.ops.pick_operations(precision.weights, precision.cast)
    module = MODULES[kind][1](
        config_of(kind, state), operations, precision.weights, "meta", host_attention
    )
    return load_into(module, kind, state, name, precision.weights)


def host_attention(q: Tensor, k: Tensor, v: Tensor, heads: int, **more) -> Tensor:
    """The attention that the host was started with; Cancel is heeded at each, not once a step."""
    model_management.throw_exception_if_processing_interrupted()
    return optimized_attention(q, k, v, heads, **more)
