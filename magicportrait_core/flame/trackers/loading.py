"""Weights into networks, strictly, and networks made ready to run."""

from __future__ import annotations

import copy
from collections.abc import Mapping

import torch
from torch import Tensor, nn
from torch.nn.utils.fusion import fuse_conv_bn_eval

from ...errors import InputError
from ...weights.advice import replacing_with

COUNTER = "num_batches_tracked"  #: of batch norms: used in training only, may be absent
GROUP = 4  #: pictures whose first, wide layers fit a CPU's cache


def load_strictly(
    network: nn.Module, state: Mapping[str, Tensor], what: str, official: str = "the official file"
) -> nn.Module:
    """Fill a network, made on the meta device, with the tensors of ``state``.

    Args:
        network: is changed and returned: float32, for inference, without gradients. It shares
            the memory of float32 tensors in ``state``.
        state: key -> tensor, every key of the network and no other.
        what: names the weights in errors, and ``official`` the file that has the right ones.

    Raises:
        InputError: names a key that is missing, unexpected or of another shape.
    """
    again = replacing_with(what=official)
    expected = {key: tuple(value.shape) for key, value in network.state_dict().items()}
    missing = [key for key in expected if key not in state and not key.endswith(COUNTER)]
    unexpected = [key for key in state if key not in expected]
    for keys, wrong in ((missing, "lacks"), (unexpected, "has an unexpected tensor,")):
        if keys:
            more = f" and {len(keys) - 1} more" if len(keys) > 1 else ""
            raise InputError(f"{what} {wrong} {keys[0]}{more}: {again}.")
    for key, tensor in state.items():
        if tuple(tensor.shape) != expected[key]:
            raise InputError(
                f"{what}: {key} must be {expected[key]}, got {tuple(tensor.shape)}: {again}."
            )
    filled = {
        key: torch.zeros((), dtype=torch.long) if key.endswith(COUNTER) else state[key].float()
        for key in expected
    }
    network.load_state_dict(filled, assign=True)
    return network.eval().requires_grad_(False)


def ready(network: nn.Module, device: torch.device | str) -> nn.Module:
    """A copy that runs fast: batch norms folded into convolutions, channels last, on a device.

    A module of the network names its pairs in ``normed``: ((convolution, norm), ...). A folded
    norm leaves its activation, where it has one. On the CPU modules with a method ``for_cpu`` are
    replaced by what it returns.
    """
    network = copy.deepcopy(network)
    for module in list(network.modules()):
        for conv, norm in getattr(module, "normed", ()):
            layer, scale = module.get_submodule(conv), module.get_submodule(norm)
            module.set_submodule(conv, fuse_conv_bn_eval(layer, scale))
            module.set_submodule(norm, nn.Identity())
    network = network.to(device, memory_format=torch.channels_last)
    if torch.device(device).type == "cpu":
        for module in list(network.modules()):
            for name, child in list(module.named_children()):
                if hasattr(child, "for_cpu"):
                    setattr(module, name, child.for_cpu())
    return network


def cache_sized(images: Tensor) -> tuple[Tensor, ...]:
    """(n, ...) pictures in parts that pass wide layers fastest: few on a CPU, all elsewhere."""
    return images.split(GROUP if images.device.type == "cpu" else len(images))
