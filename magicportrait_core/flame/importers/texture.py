"""FLAME_texture.npz: 632 MB, of which a sixteenth is kept."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

import numpy as np
import torch
from torch import Tensor

from ...errors import InputError
from ...types import Progress
from ...weights.arrays import Header, Npz
from ..texture import NUM_COMPONENTS, OFFICIAL_SIZE, SIZE
from .source import Source

_STEP = OFFICIAL_SIZE // SIZE


def is_texture(headers: Mapping[str, Header]) -> bool:
    return {"mean", "tex_dir"} <= set(headers)


def convert_texture(mean: Iterable, basis: Iterable) -> dict[str, Tensor]:
    """Every second texel, the first 50 components, RGB 0..1.

    The reference scales the 512 texels by nearest, which takes every second one from the first.

    Args:
        mean: 512 rows of (512, 3), BGR 0..255.
        basis: 512 rows of (512, 3, n >= 50), the same. Both may be iterators: one row of the
            basis is in memory at a time.

    Returns:
        mean (3, 256, 256) and basis (50, 3, 256, 256), float32.
    """
    small_mean = torch.empty(3, SIZE, SIZE)
    small_basis = torch.empty(NUM_COMPONENTS, 3, SIZE, SIZE)
    for out, rows in ((small_mean[None], mean), (small_basis, basis)):
        for y, row in enumerate(rows):
            if y % _STEP:
                continue
            texels = np.asarray(row, np.float32).reshape(OFFICIAL_SIZE, 3, -1)
            texels = texels[::_STEP, ::-1, :NUM_COMPONENTS]  # (256, 3, n), RGB
            out[:, :, y // _STEP] = torch.from_numpy(texels.transpose(2, 1, 0) / 255)
    return {"mean": small_mean, "basis": small_basis}


def read_texture(file: Npz, source: Source, progress: Progress) -> dict[str, Tensor]:
    """Part "texture" of `library.files`. Raises InputError for arrays of other shapes."""
    mean, basis = file.headers["mean"].shape, file.headers["tex_dir"].shape
    side = (OFFICIAL_SIZE, OFFICIAL_SIZE, 3)
    if mean != side or basis[:3] != side or len(basis) != 4 or basis[3] < NUM_COMPONENTS:
        raise InputError(
            f"{source.name} holds textures of {mean} and {basis}, FLAME's are {side} and "
            f"{(*side, 200)}: {source.right_one}"
        )
    rows = _counted(file.rows("tex_dir"), OFFICIAL_SIZE, progress)
    made = convert_texture(file.rows("mean"), rows)
    if not all(torch.isfinite(tensor).all() for tensor in made.values()):
        raise InputError(f"{source.name} has values that are no finite numbers: {source.right_one}")
    return made


def _counted(rows: Iterable, total: int, progress: Progress) -> Iterable:
    for index, row in enumerate(rows, start=1):
        yield row
        progress("converting", index, total)
