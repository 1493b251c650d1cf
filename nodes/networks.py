"""The face networks, loaded once for a device and shared by every node."""

from __future__ import annotations

from functools import lru_cache

import torch
from comfy.model_management import get_torch_device

from ..magicportrait_core.faces.networks import FaceNetworks, load_networks


@lru_cache(maxsize=1)
def _networks(device: torch.device) -> FaceNetworks:
    return load_networks(device)


def face_networks() -> FaceNetworks:
    """The networks on the device that the host gives."""
    return _networks(get_torch_device())
