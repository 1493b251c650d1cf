"""The two face networks, loaded from the weights this package ships."""

from __future__ import annotations

from dataclasses import dataclass
from importlib.resources import as_file, files

import torch
from safetensors.torch import load_file

from .detector import BlazeFace
from .mesh import AttentionMesh


@dataclass(frozen=True)
class FaceNetworks:
    """Ready to run: float32, no gradients, channels last."""

    detector: BlazeFace
    mesh: AttentionMesh
    device: torch.device


def load_networks(device: str | torch.device = "cpu") -> FaceNetworks:
    """Load both networks (2.6 MB of fp16, run in float32) onto a device."""
    detector, mesh = BlazeFace(), AttentionMesh()
    for net, name in ((detector, "blazeface_short"), (mesh, "attention_mesh")):
        with as_file(files(__package__) / "weights" / f"{name}.safetensors") as path:
            net.load_state_dict(load_file(path))
        net.eval().requires_grad_(False).to(device, memory_format=torch.channels_last)
    return FaceNetworks(detector, mesh, torch.device(device))
