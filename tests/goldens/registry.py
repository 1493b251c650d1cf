"""Which code computes which golden file, and where golden files lie.

A family is a module of this folder: it names its files and its inputs, and computes the rest. To
add one, write a module that makes a `Family` and list it in FAMILIES of `tests.verify_goldens`.
"""

from __future__ import annotations

import os
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

    def begins(self, name: str) -> int | None:
        """Where in a file's name, after any prefix, this family's names begin; None: nowhere."""
        fits = (at for at in range(len(name)) if fnmatchcase(name[at:], self.files))
        return next(fits, None)


def inputs_only(stem: str) -> Family:
    """Files that hold what others are computed from: they have to be readable, and get no rows."""
    return Family(f"{stem}.safetensors", lambda _file: iter(()), ("*",))


def goldens_folder() -> Path:
    """Where the golden numbers of this machine lie, if it has any."""
    beside = Path(__file__).resolve().parents[3] / "shared"
    shared = Path(os.environ.get("MAGICPORTRAIT_SHARED", beside))
    return Path(os.environ.get("MAGICPORTRAIT_GOLDENS", shared / "goldens"))


def files_below(folder: Path, above: tuple[Path, ...] = ()) -> Iterator[Path]:
    """Every safetensors file, in folders that are links too, and every link that leads nowhere.

    A folder that cannot be listed is yielded itself.
    """
    here = folder.resolve()
    if here in above:  # a link back to a folder that it lies in
        return
    try:
        paths = sorted(folder.iterdir())
    except OSError:
        yield folder
        return
    for path in paths:
        if os.path.isdir(path):
            yield from files_below(path, (*above, here))
        elif path.suffix == ".safetensors" or not os.path.exists(path):
            yield path
