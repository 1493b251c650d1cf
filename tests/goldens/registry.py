"""Which code computes which golden file.

A family is a module of this folder: it names its files and its inputs, and computes the rest. To
add one, write a module that makes a `Family` and list it in FAMILIES of `tests.verify_goldens`.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from fnmatch import fnmatchcase
from pathlib import Path

from safetensors import safe_open
from torch import Tensor

from tests.goldens.rows import Computed


@dataclass(frozen=True)
class GoldenFile:
    """One safetensors file of a goldens folder."""

    path: Path
    tensors: dict[str, Tensor]
    metadata: dict[str, str]

    @property
    def folder(self) -> Path:
        """geometry/ or diffusion/: models and manifests lie beside."""
        return self.path.parent

    @staticmethod
    def read(path: Path) -> GoldenFile:
        with safe_open(path, "pt") as file:
            names = list(file.keys())
            tensors = {name: file.get_tensor(name) for name in names}
            return GoldenFile(path, tensors, file.metadata() or {})


@dataclass(frozen=True)
class Family:
    """Files of one kind."""

    files: str  #: pattern of their names
    #: yields what the production code computes, in any order; what it leaves out is not ok
    compute: Callable[[GoldenFile], Iterator[Computed]]
    inputs: tuple[str, ...] = ()  #: patterns of tensors that get no row
    slow: bool = False  #: minutes long: --skip-slow leaves the files out

    def is_input(self, tensor: str) -> bool:
        return any(fnmatchcase(tensor, pattern) for pattern in self.inputs)
