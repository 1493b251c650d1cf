"""The networks of trackers on disk: one safetensors each, kind "regressor"."""

from __future__ import annotations

import os
from collections.abc import Mapping
from pathlib import Path

from safetensors.torch import save_file
from torch import Tensor

from ...errors import InputError
from ...files import replacing
from ...weights.advice import replacing_with
from .files import FORMAT_VERSION, official, read_tensors

KIND = "regressor"
NETWORKS = ("deca", "smirk")


def regressor_file(network: str) -> str:
    """The name of a network's file."""
    return f"{network}_encoder.safetensors"


def save_regressor(
    path: str | os.PathLike, network: str, tensors: Mapping[str, Tensor], source: dict[str, str]
) -> None:
    """Write the state dict of one of NETWORKS."""
    metadata = {**source, "kind": KIND, "format_version": FORMAT_VERSION, "network": network}
    with replacing(path) as temporary:
        save_file(dict(tensors), temporary, metadata)


def load_regressor(path: str | os.PathLike, network: str) -> dict[str, Tensor]:
    """Read the state dict of one of NETWORKS. Raises InputError for another's."""
    metadata, tensors = read_tensors(Path(path), KIND)
    if metadata.get("network") != network:
        raise InputError(
            f"{Path(path).name} holds the network {metadata.get('network')}, {network} is wanted: "
            f"{replacing_with(Path(path).parent, official(regressor_file(network)))}."
        )
    return tensors
