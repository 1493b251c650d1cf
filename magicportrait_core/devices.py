"""Where networks run and pictures are drawn."""

from __future__ import annotations

import torch

from .checks import check_choice
from .errors import InputError

DEVICES = ("auto", "cpu", "cuda")


def choose_device(device: str = "auto") -> torch.device:
    """One of DEVICES as a device of torch; auto is CUDA where there is any.

    Raises InputError for another name and for cuda where torch finds none.
    """
    check_choice("device", device, DEVICES)
    found = torch.cuda.is_available()
    if device == "cuda" and not found:
        raise InputError(
            "No CUDA device is available to this install of torch: use the device cpu or auto."
        )
    return torch.device("cuda" if found and device != "cpu" else "cpu")


def core_device(device: torch.device | str) -> torch.device:
    """The device itself if it is one that the core is tested on, else the CPU.

    Apple's and others lack operations that pictures are drawn with, such as bicubic sampling.
    """
    device = torch.device(device)
    return device if device.type in DEVICES else torch.device("cpu")
