"""Files of numpy, .npy and .npz: read without pickle, their claimed sizes checked first."""

from __future__ import annotations

import math
import os
import zipfile
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import IO

import numpy as np
from numpy.lib import format as npy

from ..errors import InputError
from .archives import open_archive
from .faults import Unreadable
from .safe_pickle import MAX_BYTES, loads

MAGIC = b"\x93NUMPY"
MAX_MEMBERS = 1000  #: arrays in one file
_DAMAGE = (
    *(ValueError, zipfile.BadZipFile, zlib.error, EOFError, OSError, MemoryError, RuntimeError),
    *(TypeError, OverflowError),
)


@dataclass(frozen=True)
class Header:
    """What a .npy says of its array before the values come."""

    shape: tuple[int, ...]
    dtype: np.dtype
    columns_first: bool
    length: int  #: bytes of the header itself

    @property
    def nbytes(self) -> int:
        return math.prod(self.shape) * self.dtype.itemsize


def read_header(file: IO[bytes]) -> Header:
    """The header of a .npy, leaving the file where the values begin. Raises ValueError."""
    version = npy.read_magic(file)
    if version == (1, 0):
        shape, columns_first, dtype = npy.read_array_header_1_0(file)
    elif version == (2, 0):
        shape, columns_first, dtype = npy.read_array_header_2_0(file)
    else:
        raise ValueError(f"a header of version {version}")
    return Header(shape, dtype, columns_first, file.tell())


def load_npy(path: str | os.PathLike) -> object:
    """The array of a .npy file; of one array of objects, what lies in it, read as a safe pickle.

    Raises InputError for a file that is damaged or refused.
    """
    path = Path(path)
    with _readable(path.name), path.open("rb") as file:
        header = read_header(file)
        size = path.stat().st_size - header.length
        if header.dtype.hasobject:
            if size > MAX_BYTES:
                raise Unreadable(f"{path.name} is larger than a file of objects may be.")
            content = loads(file.read(), path.name)
            single = isinstance(content, np.ndarray) and content.shape == ()
            return content.item() if single else content
        if size != header.nbytes:
            raise ValueError(f"{header.nbytes:,} bytes of values are promised, {size:,} are there")
        file.seek(0)
        return npy.read_array(file, allow_pickle=False)


class Npz:
    """A .npz that is open: its arrays are read one at a time, or row by row.

    >>> with open_npz("FLAME_texture.npz") as file:  # doctest: +SKIP
    ...     mean = file.read("mean")
    """

    def __init__(self, archive: zipfile.ZipFile, name: str) -> None:
        self._archive, self._name = archive, name
        self.headers: dict[str, Header] = {}  #: of the arrays, by name
        # torch's archives are looked into as well, and have a member for each tensor
        arrays = [info for info in archive.infolist() if info.filename.endswith(".npy")]
        if len(arrays) > MAX_MEMBERS:
            raise ValueError(f"it has {len(arrays)} arrays")
        for info in arrays:
            with archive.open(info) as file:
                header = read_header(file)
            if not header.dtype.hasobject and header.length + header.nbytes != info.file_size:
                raise ValueError(f"{info.filename} is not as long as it says")
            self.headers[info.filename.removesuffix(".npy")] = header

    def read(self, name: str) -> np.ndarray:
        """One array whole."""
        self._check(name)
        with _readable(self._name), self._archive.open(f"{name}.npy") as file:
            return npy.read_array(file, allow_pickle=False)

    def rows(self, name: str) -> Iterator[np.ndarray]:
        """An array along its first axis, one part at a time in memory."""
        header = self._check(name)
        if header.columns_first:
            yield from self.read(name)
            return
        with _readable(self._name), self._archive.open(f"{name}.npy") as file:
            read_header(file)
            row = math.prod(header.shape[1:])
            for _ in range(header.shape[0]):
                data = file.read(row * header.dtype.itemsize)
                yield np.frombuffer(data, header.dtype, row).reshape(header.shape[1:])

    def _check(self, name: str) -> Header:
        header = self.headers[name]
        if header.dtype.hasobject:
            raise Unreadable(f"{self._name} holds objects in {name}, where numbers should be.")
        return header


@contextmanager
def open_npz(path: str | os.PathLike) -> Iterator[Npz]:
    """Open a .npz and read the headers of its arrays. Raises InputError."""
    path = Path(path)
    with _readable(path.name):
        archive = open_archive(path)
    with archive:
        with _readable(path.name):
            opened = Npz(archive, path.name)
        yield opened


@contextmanager
def _readable(name: str) -> Iterator[None]:
    try:
        yield
    except InputError:
        raise
    except _DAMAGE as error:
        raise Unreadable(
            f"{name} is no whole numpy file ({' '.join(str(error).split())[:100]}): download it "
            "again."
        ) from error
