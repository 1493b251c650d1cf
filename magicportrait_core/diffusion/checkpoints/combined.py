"""All parts of the diffusion models in one safetensors, in one type of numbers.

Keys are "PART.KEY" for each of PARTS and "vae"; "text.embedding" is the paper's prompt, so that a
run needs no text encoder. Its metadata names every source with its licence and sha256.
"""

from __future__ import annotations

import json
import os
import shutil
from collections.abc import Iterator, Mapping
from dataclasses import asdict, dataclass
from pathlib import Path

import torch
from safetensors import SafetensorError, safe_open
from torch import Tensor

from ...checks import check_choice
from ...errors import InputError
from ...files import check_suffix, keep_inputs, replacing
from ...types import Progress, no_progress
from ...weights.catalog import DIFFUSION, Entry, entry_of, size_text
from ...weights.records import sha256_of
from ...weights.safetensors_writer import Planned, write_safetensors
from ..text_encoder import PROMPT
from .identify import EMBEDDING
from .model_files import ModelFiles, read_part
from .model_folders import is_sd15_name
from .parts import PARTS, file_name, read_text, read_vae

KIND, VERSION = "magicportrait_diffusion", "1"
DTYPES = {"fp16": torch.float16, "bf16": torch.bfloat16, "fp32": torch.float32}
_TEXT = f"text.{EMBEDDING}"
_UNKNOWN = "not known here: read it where the file was taken from"


@dataclass(frozen=True)
class Source:
    """A file that went into a combined one."""

    file: str
    parts: tuple[str, ...]  #: what was taken from it
    sha256: str
    address: str
    licence: str


@dataclass(frozen=True)
class Converted:
    """What was written."""

    output: Path
    dtype: str
    size: int  #: bytes
    tensors: int
    sources: tuple[Source, ...]


def convert_models(
    files: ModelFiles,
    output: str | os.PathLike,
    dtype: str = "fp16",
    progress: Progress = no_progress,
) -> Converted:
    """Write all parts into one file; one tensor at a time is in memory beside mapped files.

    Positions and the prompt's embedding stay float32. Raises InputError where a part is missing,
    damaged or does not fit, or where the disk is too small.
    """
    check_choice("the type of numbers", dtype, tuple(DTYPES))
    if files.vae is None or files.text is None:
        raise InputError("A combined file needs a VAE and a text: look for them too.")
    output = check_suffix("combined file", output, ".safetensors")
    for path in (*sum(files.parts.values(), ()), files.vae, files.text):
        keep_inputs(output, path)
    text = read_text(files.text)
    plan = {_TEXT: Planned(tuple(text.shape), torch.float32)}
    used: dict[Path, list[str]] = {}
    for part in (*PARTS, "vae"):
        state, paths = _read(files, part)
        for path in paths:
            used.setdefault(path, []).append(part)
        plan |= {f"{part}.{key}": _planned(key, t, DTYPES[dtype]) for key, t in state.items()}
    used.setdefault(files.text, []).append("text")
    size = sum(planned.nbytes for planned in plan.values())
    _check_disk(output, size)
    sources = tuple(
        source for path, parts in used.items() for source in _sources(path, tuple(parts), progress)
    )
    with replacing(output) as temporary:
        stream = _stream(files, text, len(plan), progress)
        write_safetensors(temporary, plan, stream, _metadata(dtype, sources))
    return Converted(output, dtype, output.stat().st_size, len(plan), sources)


def read_metadata(path: Path) -> Mapping[str, str]:
    """What a combined file says of itself; {} for any other file."""
    try:
        with safe_open(path, framework="pt") as file:
            metadata = file.metadata() or {}
    except (SafetensorError, OSError):
        return {}
    return metadata if metadata.get("kind") == KIND else {}


def _read(files: ModelFiles, part: str) -> tuple[dict[str, Tensor], list[Path]]:
    """A part's tensors, and the files that supplied any."""
    if part == "vae":
        return read_vae(files.vae), [files.vae]
    state, counts = read_part(files, part)
    return state, [path for path in files.parts[part] if counts.get(file_name(path))]


def _stream(
    files: ModelFiles, text: Tensor, total: int, progress: Progress
) -> Iterator[tuple[str, Tensor]]:
    """Every tensor in the order of the plan; a part's files are closed before the next's open."""
    done = 1
    yield _TEXT, text
    for part in (*PARTS, "vae"):
        state, _ = _read(files, part)
        for key in list(state):
            yield f"{part}.{key}", state.pop(key)
            done += 1
            progress("convert", done, total)


def _planned(key: str, tensor: Tensor, dtype: torch.dtype) -> Planned:
    return Planned(tuple(tensor.shape), torch.float32 if key.endswith(".pe") else dtype)


def _metadata(dtype: str, sources: tuple[Source, ...]) -> dict[str, str]:
    return {
        "format": "pt",
        "kind": KIND,
        "format_version": VERSION,
        "dtype": dtype,
        "prompt": PROMPT,
        "sources": json.dumps([asdict(source) for source in sources]),
        "licences": "; ".join(dict.fromkeys(source.licence for source in sources)),
    }


def _sources(path: Path, parts: tuple[str, ...], progress: Progress) -> Iterator[Source]:
    """A file as a source; of a combined file, its own sources."""
    told = read_metadata(path).get("sources")
    if told is not None:
        for values in json.loads(told):
            yield Source(**values | {"parts": tuple(values["parts"])})
        return
    entry = catalogued(path)
    address, licence = (entry.address, entry.licence) if entry else ("", _UNKNOWN)
    yield Source(file_name(path), parts, sha256_of(path, progress), address, licence)


def catalogued(path: Path) -> Entry | None:
    """The catalogue's entry that a diffusion file belongs to, told by its name and folder."""
    for entry in DIFFUSION:
        for name in map(Path, entry.files):
            if path.name == name.name and (
                len(name.parts) == 1 or path.parent.name == name.parent.name
            ):
                return entry
    if "ft-mse" in path.name.lower():
        return entry_of("vae")
    if is_sd15_name(path.name) or any(is_sd15_name(p.name) for p in path.parents[:2]):
        return entry_of("sd15_unet")
    return None


def _check_disk(output: Path, size: int) -> None:
    if not output.parent.is_dir():
        return  # said by `replacing`
    free = shutil.disk_usage(output.parent).free
    if free < size:
        raise InputError(
            f"{output.name} takes {size_text(size)}, {size_text(free)} are free in "
            f"{output.parent}: make room, or write it elsewhere."
        )
