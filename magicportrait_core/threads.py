"""How many threads torch may use."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager

import torch

_lock = threading.Lock()
_own = threading.local()  #: depth: how many blocks this thread is in
_shared = {"inside": 0, "before": 1}  #: threads in a block, and what all of them restore


@contextmanager
def one_thread() -> Iterator[None]:
    """Run torch on the calling thread alone. Blocks may nest, and overlap in several threads.

    The face networks' layers and the preview's warps are too small to share out: more threads
    gain a tenth of the time on an idle machine and, waiting for each other on a busy one, cost
    several times as much.
    """
    _own.depth = getattr(_own, "depth", 0) + 1
    if _own.depth == 1:
        with _lock:
            if _shared["inside"] == 0:
                _shared["before"] = torch.get_num_threads()
            _shared["inside"] += 1
    torch.set_num_threads(1)
    try:
        yield
    finally:
        _own.depth -= 1
        if _own.depth == 0:
            with _lock:
                _shared["inside"] -= 1
            torch.set_num_threads(_shared["before"])
