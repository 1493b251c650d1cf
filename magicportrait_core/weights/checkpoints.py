"""Checkpoints of torch, .pt .pth .tar, read with `weights_only` and mapped where they can be."""

from __future__ import annotations

import io
import os
import tarfile
import zipfile
from collections.abc import Mapping
from pathlib import Path

import torch
from torch import Tensor

from ..errors import InputError
from .archives import open_archive
from .faults import Unreadable, what_broke
from .pickle_scan import TORCH, scan_pickle
from .stand_ins import Refused, shown
from .torch_bytes import refusal, scan_old_form

MAX_COPIES, SLACK = 16, 1 << 20  #: bytes of a tensor, by how often it may be larger than the file
MAX_PICKLE = 1 << 26  #: bytes of the pickle in an archive, which names its tensors and no more

#: how torch's older files begin: a pickle of a number of its own
OLD_MAGIC = b"\x80\x02\x8a\nl\xfc\x9cF\xf9 j\xa8P\x19."


def load_checkpoint(path: str | os.PathLike) -> object:
    """The content of a checkpoint; tensors of an archive stay on the disk until they are used.

    Raises InputError for a file that is damaged, holds more than tensors in plain containers, or
    would never be read to its end.
    """
    path = Path(path)
    with path.open("rb") as file:
        archive = file.read(2) == b"PK"
    try:
        _scan(path, archive)
        content = torch.load(path, map_location="cpu", weights_only=True, mmap=archive)
        _check_tensors(content, path.stat().st_size)
        return content
    except InputError:
        raise
    except Refused as error:
        raise Unreadable(
            f"{path.name} is refused: {error}, which a file of tensors does not need; nothing in "
            "it was run. Take the file from its makers' own page."
        ) from error
    except Exception as error:  # errors of many classes, by what is damaged
        if "GLOBAL" in str(error) or "nsupported" in str(error):
            reason = f"is refused, for it holds more than tensors ({refusal(error)})"
        else:
            reason = f"cannot be read: {_fault(path, error)}"
        raise Unreadable(
            f"{path.name} {reason}; nothing in it was run. Take the file from its makers' own "
            "page, as .safetensors where they offer that."
        ) from error


def _scan(path: Path, archive: bool) -> None:
    """Walk over the pickles of a file; see `pickle_scan`. Raises Refused, or what broke."""
    size = path.stat().st_size
    if not archive:
        if _is_tar(path):
            raise Refused("it is a tape archive, as torch's oldest files are")
        with path.open("rb") as file:
            return scan_old_form(file, size)
    with open_archive(path) as members:
        for info in members.infolist():
            if info.compress_type != zipfile.ZIP_STORED:
                raise Refused(f"its {info.filename:.80} is packed")
            # torch finds its pickle by any case, and by the name in the list alone
            if info.orig_filename.lower().endswith(".pkl"):
                if info.file_size > MAX_PICKLE:
                    raise Refused(f"its {info.filename:.80} has {info.file_size:,} bytes")
                scan_pickle(io.BytesIO(members.read(info)), size, TORCH)


def _is_tar(path: Path) -> bool:
    """Whether torch would unpack the file as a tape archive: before 2.6 not even `weights_only`
    kept that from running code, https://nvd.nist.gov/vuln/detail/CVE-2025-32434."""
    try:
        tarfile.open(path, "r:").close()
    except (tarfile.TarError, EOFError, ValueError, OSError):
        return False
    return True


def _check_tensors(content: object, size: int) -> None:
    """Raise Refused for a tensor that is far larger than the file. size: bytes of it."""
    waiting, seen = [content], set()
    while waiting:
        value = waiting.pop()
        if id(value) in seen:
            continue
        seen.add(id(value))
        if isinstance(value, Mapping):
            waiting += value.values()
        elif isinstance(value, (list, tuple)):
            waiting += value
        elif isinstance(value, Tensor):
            plain = value.layout == torch.strided and not value.is_meta
            claimed = max(value.nbytes, value.untyped_storage().nbytes()) if plain else 0
            if not plain or claimed > MAX_COPIES * size + SLACK:
                raise Refused(f"it has a tensor of shape {shown(value.shape)}, not its values")


def _fault(path: Path, error: Exception) -> str:
    """Why torch could not read a file, in words."""
    with path.open("rb") as file:
        start = file.read(2)
    if start and start != b"PK" and not start.startswith(b"\x80"):
        return "it is no checkpoint of torch, nor any other pickle"
    return what_broke(error)


def tensors_below(content: object, *prefixes: str) -> dict[str, Tensor]:
    """The tensors of a state dict whose keys begin with one of the prefixes, without it.

    The first prefix that any key has is the one that counts; "" takes all.
    """
    if not isinstance(content, Mapping):
        return {}
    tensors = {k: v for k, v in content.items() if isinstance(k, str) and isinstance(v, Tensor)}
    for prefix in prefixes:
        found = {k[len(prefix) :]: v for k, v in tensors.items() if k.startswith(prefix)}
        if found:
            return found
    return {}
