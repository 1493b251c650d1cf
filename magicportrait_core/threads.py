"""How many threads torch may use."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

import torch


@contextmanager
def one_thread() -> Iterator[None]:
    """Run torch on the calling thread alone.

    The face networks' layers and the preview's warps are too small to share out: more threads
    gain a tenth of the time on an idle machine and, waiting for each other on a busy one, cost
    several times as much.
    """
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    try:
        yield
    finally:
        torch.set_num_threads(before)
