"""The networks that trackers run: deca_model.tar and SMIRK_em1.pt, checked key by key."""

from __future__ import annotations

from collections.abc import Mapping

import torch
from torch import Tensor

from ...errors import InputError
from ...weights.checkpoints import tensors_below
from . import manifests
from .source import Source

COUNTER = "num_batches_tracked"  #: of batch norms: only training needs it, old files lack it
_SMIRK_PREFIXES = ("smirk_encoder.", "module.smirk_encoder.", "")


def is_deca(content: object) -> bool:
    return isinstance(content, Mapping) and "E_flame" in content


def is_smirk(content: object) -> bool:
    keys = content if isinstance(content, Mapping) else ()
    return any(isinstance(key, str) and "expression_encoder." in key for key in keys)


def read_deca(content: Mapping, source: Source) -> dict[str, Tensor]:
    """E_flame's tensors; the checkpoint's other networks are not read."""
    found = tensors_below(content["E_flame"], "module.", "")
    return _checked(found, manifests.deca(), "E_flame", source)


def read_smirk(content: Mapping, source: Source) -> dict[str, Tensor]:
    """The encoders' tensors; the generator's, which the checkpoint has too, are not read."""
    found = tensors_below(content, *_SMIRK_PREFIXES)
    return _checked(found, manifests.smirk(), "SMIRK's encoders", source)


def _checked(
    found: dict[str, Tensor], wanted: manifests.Shapes, network: str, source: Source
) -> dict[str, Tensor]:
    missing = [key for key in wanted if key not in found and not key.endswith(COUNTER)]
    unexpected = [key for key in found if key not in wanted]
    for keys, wrong in ((missing, "lacks"), (unexpected, "has, beside what belongs there,")):
        if keys:
            more = f" and {len(keys) - 1} more" if len(keys) > 1 else ""
            raise InputError(
                f"{source.name} is not of {network}: it {wrong} {keys[0]}{more}; {source.right_one}"
            )
    out = {}
    for key, shape in wanted.items():
        tensor = found.get(key, torch.zeros((), dtype=torch.int64))
        if tuple(tensor.shape) != shape:
            raise InputError(
                f"{source.name}: {key} must be {shape}, got {tuple(tensor.shape)}; "
                f"{source.right_one}"
            )
        if not torch.isfinite(tensor).all():
            raise InputError(
                f"{source.name}: {key} has values that are no finite numbers; {source.right_one}"
            )
        # a copy: the file may hold several tensors in one storage
        out[key] = (tensor if key.endswith(COUNTER) else tensor.float()).clone().contiguous()
    return out
