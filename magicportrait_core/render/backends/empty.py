"""Pictures in which nothing is seen yet."""

from __future__ import annotations

import torch

from ...types import Fragments


def empty_fragments(
    frames: int, height: int, width: int, device: torch.device | str = "cpu"
) -> Fragments:
    """Fragments of -1."""
    shape = (frames, height, width)
    return Fragments(
        torch.full(shape, -1, dtype=torch.int32, device=device),
        torch.full((*shape, 3), -1.0, device=device),
        torch.full(shape, -1.0, device=device),
    )
