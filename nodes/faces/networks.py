"""The face networks, loaded once for a device and shared by every node."""

from __future__ import annotations

from functools import lru_cache

import torch
from comfy.model_management import get_torch_device

from ...magicportrait_core.devices import core_device
from ...magicportrait_core.faces.networks import FaceNetworks, load_networks


@lru_cache(maxsize=1)
def _networks(device: torch.device) -> FaceNetworks:
    return load_networks(device)


def face_networks() -> FaceNetworks:
    """The networks on the host's device, or on the CPU where the core is not tested on that."""
    return _networks(core_device(get_torch_device()))
