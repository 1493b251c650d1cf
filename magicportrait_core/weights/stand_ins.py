"""What pickled classes are replaced by while a foreign pickle is read.

Nothing of numpy, scipy, chumpy or torch is built by the pickle itself. A stand-in keeps the state
that the file gives and checks it; `array`, called when the file is read, makes the array. So no
state can reach code that trusts it, like an object array made of raw bytes.
"""

from __future__ import annotations

import math
import re
import reprlib
from collections.abc import Iterable

import numpy as np

_PLAIN = re.compile(r"[<>|=]?([biufcSU]\d+|[?O]|O\d)")  #: arrays of numbers, texts and objects
_ORDERS = {"<", ">", "|", "="}


class Refused(Exception):
    """The pickle asks for what no file of arrays needs."""


def shown(value: object) -> str:
    """A value in an error, in few words however much it holds."""
    return reprlib.repr(value)[:60]


class Allowed:
    """A callable that a pickle may call, and whose attributes it cannot reach."""

    __slots__ = ("_call",)

    def __init__(self, call) -> None:
        self._call = call

    def __call__(self, *args):
        return self._call(*args)

    def __setstate__(self, state: object) -> None:
        raise Refused("it sets the state of a function")


class DType:
    """numpy.dtype: a code of plain numbers or texts, and a byte order."""

    __slots__ = ("code", "order")

    def __init__(self, code: object, *_flags: object) -> None:
        if not isinstance(code, str) or not _PLAIN.fullmatch(code):
            raise Refused(f"it has an array of type {shown(code)}")
        self.code, self.order = code.lstrip("<>|="), "="

    def __setstate__(self, state: tuple) -> None:
        order, sub_arrays, names, fields = state[1:5]
        if order not in _ORDERS or (sub_arrays, names, fields) != (None, None, None):
            raise Refused("it has an array with fields")
        self.order = order

    def build(self) -> np.dtype:
        return np.dtype("O" if self.code[0] == "O" else self.order + self.code)


class Array:
    """numpy.ndarray, pickled as version, shape, type, order, bytes (or a list of objects)."""

    __slots__ = ("state",)

    def __setstate__(self, state: tuple) -> None:
        shape, dtype, columns_first, raw = state[-4:]
        self.state = (raw, dtype, shape, "F" if columns_first else "C")

    def array(self, resolve) -> np.ndarray:
        raw, dtype, shape, order = self.state
        if not isinstance(dtype, DType) or not isinstance(shape, tuple) or len(shape) > 32:
            raise Refused("it has an array without type and shape")
        if not all(type(n) is int and n >= 0 for n in shape):
            raise Refused(f"it has an array of shape {shown(shape)}")
        kind, count = dtype.build(), math.prod(shape)
        if kind.hasobject:
            if not isinstance(raw, list) or len(raw) != count:
                raise Refused("it has an array of objects that are not listed")
            items = np.empty(count, dtype=object)
            for index, item in enumerate(raw):
                items[index] = resolve(item)
            return items.reshape(shape, order=order)
        if isinstance(raw, str):  # Python 2 wrote bytes as its strings
            raw = raw.encode("latin1")
        if len(raw) != count * kind.itemsize:
            raise Refused(f"it has an array of {count} values in {len(raw)} bytes")
        if not count:
            return np.empty(shape, kind)
        return np.frombuffer(raw, kind).reshape(shape, order=order)


class Sparse:
    """A sparse matrix of scipy, in one of its three plain forms."""

    __slots__ = ("state",)
    form = ""

    def __setstate__(self, state: dict) -> None:
        self.state = named(state)

    def array(self, resolve) -> object:
        from scipy.sparse import coo_matrix

        state = {key: resolve(value) for key, value in self.state.items()}
        shape = tuple(int(n) for n in state.get("_shape", state.get("shape", ())))
        values = numbers(state["data"])
        if self.form == "coo":
            row, col = state["coords"] if "coords" in state else (state["row"], state["col"])
            row, col = numbers(row), numbers(col)
        else:
            lines = shape[0 if self.form == "csr" else 1]
            counts = np.diff(numbers(state["indptr"]).astype(np.int64))
            across = numbers(state["indices"])
            # each alone first: their sum may run over and come out right
            fits = len(counts) == lines and ((counts >= 0) & (counts <= len(across))).all()
            if not fits or counts.sum() != len(across):
                raise Refused("it has a sparse matrix that does not add up")
            along = np.repeat(np.arange(lines), counts)
            row, col = (along, across) if self.form == "csr" else (across, along)
        return coo_matrix((values, (row, col)), shape=shape)  # checks rows and columns


def named(state: object) -> dict:
    """The state of an object, if its parts have names."""
    if not isinstance(state, dict):
        raise Refused("it has an object without named parts")
    return dict(state)


def numbers(value: object) -> np.ndarray:
    """The value, if it is an array of numbers: numpy would follow nested lists through."""
    if not isinstance(value, np.ndarray) or value.dtype.kind not in "biufc":
        raise Refused("it has a sparse matrix that is not made of arrays of numbers")
    return value


class Csc(Sparse):
    form = "csc"


class Csr(Sparse):
    form = "csr"


class Coo(Sparse):
    form = "coo"


class Chumpy:
    """chumpy's Ch: a state of which x is the array."""

    __slots__ = ("state",)

    def __setstate__(self, state: dict) -> None:
        self.state = named(state)

    def array(self, resolve) -> object:
        if "x" not in self.state:
            raise Refused("it has a chumpy expression where an array is wanted")
        return resolve(self.state["x"])


def from_buffer(raw: object, dtype: object, shape: object, order: object = "C") -> Array:
    """numpy.core.numeric._frombuffer, as protocol 5 writes arrays."""
    made = Array()
    made.state = (bytes_of(raw), dtype, shape, "F" if order == "F" else "C")
    return made


def reconstruct(cls: object, *_rest: object) -> Array:
    """numpy.core.multiarray._reconstruct: an empty array, whose state comes next."""
    if cls is not Array:
        raise Refused("it makes an array of something else")
    return Array()


def scalar(dtype: object, raw: object = b"") -> Array:
    """numpy.core.multiarray.scalar."""
    made = Array()
    made.state = (raw, dtype, (), "C")
    return made


def new_object(cls: object, base: object = None, state: object = None) -> object:
    """copyreg._reconstructor, as protocols 0 and 1 write new-style classes."""
    if cls not in (Array, Csc, Csr, Coo, Chumpy) or state is not None:
        raise Refused("it makes an object of a class that is not an array's")
    return cls()


def encode(text: object, encoding: object = "latin1") -> bytes:
    """_codecs.encode, as bytes are written for Python 2."""
    if not isinstance(text, str) or encoding not in ("latin1", "latin-1", "utf-8", "ascii"):
        raise Refused(f"it encodes by {shown(encoding)}")
    return text.encode(encoding)


def bytes_of(content: object = b"", encoding: object = None) -> bytes:
    """bytes(): never of a number, which would reserve so much memory."""
    if isinstance(content, str):
        return encode(content, encoding)
    if not isinstance(content, (bytes, bytearray, list, tuple)):
        raise Refused("it makes bytes of something else")
    return bytes(content)


def plain(make):
    """A container or a number, of what is itself plain: dict(), int("3") ..."""

    def call(*args: object) -> object:
        if any(isinstance(a, Iterable) and not isinstance(a, _PLAIN_TYPES) for a in args):
            raise Refused(f"it makes a {make.__name__} of something else")
        return make(*args)

    return call


_PLAIN_TYPES = (str, bytes, bytearray, list, tuple, dict, set, frozenset)
