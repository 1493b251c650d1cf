"""Pickles from elsewhere, read without running anything they bring.

A pickle is a small program. This reader lets it build numbers, texts, containers and the
stand-ins of `stand_ins`, and no more; whatever else it names is refused by that name, before it is
imported or called. What would never end is refused before it begins, by `pickle_scan`. Python 2's
pickles are read, with their strings as latin1.
"""

from __future__ import annotations

import io
import os
import pickle
from pathlib import Path

import numpy as np

from ..errors import InputError
from . import stand_ins as own
from .faults import Unreadable, what_broke
from .pickle_scan import scan_pickle
from .torch_bytes import rebuild_tensor, storage_from_bytes

MAX_BYTES = 1 << 28  #: of a pickle; FLAME's has 53 MB

_BUILTINS = {
    **{make.__name__: own.Allowed(own.plain(make)) for make in (set, frozenset, list, dict)},
    **{make.__name__: own.Allowed(own.plain(make)) for make in (tuple, int, float, bool, complex)},
    "bytes": own.Allowed(own.bytes_of),
    "bytearray": own.Allowed(own.bytes_of),
    "long": own.Allowed(own.plain(int)),
    "object": object,
}
_NUMPY = {
    "numpy": {"ndarray": own.Array, "dtype": own.Allowed(own.DType)},
    "numpy.core.multiarray": {
        "_reconstruct": own.Allowed(own.reconstruct),
        "scalar": own.Allowed(own.scalar),
    },
    "numpy.core.numeric": {"_frombuffer": own.Allowed(own.from_buffer)},
}
_OTHERS = {
    "_codecs": {"encode": own.Allowed(own.encode)},
    "collections": {"OrderedDict": own.Allowed(own.plain(dict))},
    "copyreg": {"_reconstructor": own.Allowed(own.new_object)},
    "torch._utils": {"_rebuild_tensor_v2": own.Allowed(rebuild_tensor)},
    "torch.storage": {"_load_from_bytes": own.Allowed(storage_from_bytes)},
}
_SPARSE = {"csc_matrix": own.Csc, "csr_matrix": own.Csr, "coo_matrix": own.Coo}
_SPARSE |= {name.replace("matrix", "array"): made for name, made in _SPARSE.items()}

#: every name that a pickle may use
ALLOWED: dict[tuple[str, str], object] = {
    (module, name): made
    for modules, names in (
        (("builtins", "__builtin__"), _BUILTINS),
        *(((module, module.replace(".core", "._core")), n) for module, n in _NUMPY.items()),
        *(((module,), names) for module, names in _OTHERS.items()),
        (("copy_reg",), _OTHERS["copyreg"]),
        *(
            ((f"scipy.sparse.{form}", f"scipy.sparse._{form}", "scipy.sparse"), _SPARSE)
            for form in ("csc", "csr", "coo")
        ),
    )
    for module in modules
    for name, made in names.items()
}


class SafeUnpickler(pickle.Unpickler):
    """Finds the classes of ALLOWED and chumpy's Ch, and no other."""

    def find_class(self, module: str, name: str) -> object:
        if name == "Ch" and module.split(".")[0] == "chumpy":
            return own.Chumpy
        try:
            return ALLOWED[module, name]
        except KeyError:
            raise own.Refused(f"it asks for {module:.80}.{name:.80}") from None

    def persistent_load(self, pid: object) -> object:
        raise own.Refused("it refers to another file")


def load_pickle(path: str | os.PathLike, limit: int = MAX_BYTES) -> object:
    """What a pickle file holds, arrays as numpy arrays and sparse matrices as scipy's.

    Raises InputError for a file that is too large, damaged or asks for what is not allowed.
    """
    path = Path(path)
    size = path.stat().st_size
    if size > limit:
        raise Unreadable(f"{path.name} has {size:,} bytes, at most {limit:,} are read as a pickle.")
    return loads(path.read_bytes(), path.name)


def loads(data: bytes, name: str) -> object:
    """The same of bytes; ``name`` tells the file in errors."""
    try:
        scan_pickle(io.BytesIO(data), len(data))
        content = SafeUnpickler(io.BytesIO(data), encoding="latin1").load()
        return _Resolver()(content)
    except own.Refused as error:
        raise Unreadable(
            f"{name} is refused: {error}, which a file of arrays does not need; nothing in it "
            "was run. Take the file from its makers' own page."
        ) from error
    except InputError:
        raise
    except _DAMAGE as error:
        raise Unreadable(
            f"{name} is no pickle of arrays, or its end is missing ({_short(error)}): download it "
            "again."
        ) from error


_DAMAGE = (
    *(pickle.UnpicklingError, EOFError, ValueError, TypeError, KeyError, IndexError),
    *(AttributeError, MemoryError, RecursionError, OverflowError, RuntimeError, ImportError),
)


def _short(error: BaseException) -> str:
    return " ".join(str(error).split())[:100] or what_broke(error)


class _Resolver:
    """Stand-ins to arrays, through containers; what occurs twice is made once."""

    def __init__(self) -> None:
        self._made: dict[int, object] = {}
        self._kept: list[object] = []  # ids stay theirs while the objects live

    def __call__(self, value: object) -> object:
        if id(value) in self._made:
            return self._made[id(value)]
        if isinstance(value, (own.Array, own.Sparse, own.Chumpy)):
            self._keep(value, None)  # one that holds itself ends here
            made = value.array(self)
        elif isinstance(value, dict):
            made = self._keep(value, {})
            made.update({self._key(key): self(item) for key, item in value.items()})
        elif isinstance(value, list):
            made = self._keep(value, [])
            made.extend(self(item) for item in value)
        elif isinstance(value, tuple):
            made = tuple(self(item) for item in value)
        elif isinstance(value, own.DType):
            made = value.build()
        else:
            return value
        return self._keep(value, made)

    def _keep(self, value: object, made: object) -> object:
        self._kept.append(value)
        self._made[id(value)] = made
        return made

    def _key(self, key: object) -> object:
        made = self(key)
        return made.item() if isinstance(made, np.ndarray) and not made.ndim else made
