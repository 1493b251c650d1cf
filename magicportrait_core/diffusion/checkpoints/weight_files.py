"""Which files the weights came from, in which type of numbers, and which others there were."""

from __future__ import annotations

import os
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from ...errors import InputError
from ...weights.state_files import read_state
from .combined import DTYPES, read_metadata
from .model_files import ModelFiles, find_model_files
from .model_folders import ModelFolders
from .parts import file_name


@dataclass(frozen=True)
class WeightFile:
    """A file that supplied weights."""

    file: str
    dtype: str  #: of nearly all its numbers: float32, float16 ...
    parts: tuple[str, ...]  #: what was taken from it, one of parts.PARTS, "vae" or "text"

    def __str__(self) -> str:
        return f"{self.file} ({self.dtype})"


def weight_files(
    files: ModelFiles, sources: Mapping[str, Mapping[str, int]]
) -> tuple[WeightFile, ...]:
    """The files that supplied any tensor, in the order of loading.

    sources: part -> file -> how many tensors it supplied, as `models.load_models` and
    `model_files.read_part` tell.
    """
    used: dict[Path, list[str]] = {}
    for part, counts in sources.items():
        alone = {"vae": files.vae, "text": files.text}.get(part)
        for path in files.parts[part] if alone is None else (alone,):
            if counts.get(file_name(path)):
                used.setdefault(path, []).append(part)
    return tuple(
        WeightFile(file_name(path), dtype_of(path), tuple(parts)) for path, parts in used.items()
    )


def dtype_of(path: Path) -> str:
    """The type of most of a file's numbers; no values are read."""
    counts: Counter[str] = Counter()
    for tensor in read_state(path).values():
        if tensor.is_floating_point():
            counts[str(tensor.dtype).removeprefix("torch.")] += tensor.numel()
    return counts.most_common(1)[0][0] if counts else "no numbers"


def said_of_choice(
    models: str | os.PathLike | ModelFolders, files: ModelFiles, exact: bool
) -> str | None:
    """One sentence where a combined file of half precision was taken, though finer official files
    are here as well, or were wanted; None elsewhere.

    exact: what `find_model_files` was told.
    """
    whole = files.vae
    half = {str(dtype).removeprefix("torch.") for name, dtype in DTYPES.items() if name != "fp32"}
    if whole is None or not read_metadata(whole) or (rounded := dtype_of(whole)) not in half:
        return None
    if exact:
        return (
            f"The weights are of {whole.name}, which is rounded to {rounded}: the official files "
            "are not all here to take instead."
        )
    try:
        official = find_model_files(models, combined=False)
    except InputError:
        return None
    if not any(dtype_of(paths[-1]) not in half for paths in official.parts.values()):
        return None
    return (
        f"{whole.name} is taken, which is rounded to {rounded}, though the official files are here "
        "as well: --reference-mode takes those; move it away to take them always."
    )
