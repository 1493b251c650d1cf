"""Values that stay the same from one forward pass to the next."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable
from typing import TypeVar

from torch import Tensor, nn

Value = TypeVar("Value")


class Memo:
    """What layers made of inputs that do not change: the bank's keys, the text's, the time's.

    Whoever samples makes one for a run and passes it to every forward. It holds for one state of
    the weights: after a LoRA is put on or off, make a new one. ``keep`` inputs of each layer are
    remembered, the oldest goes first; the layers' outputs must not be written to.
    """

    def __init__(self, keep: int = 4) -> None:
        self._keep = keep
        self._made: dict[tuple[nn.Module, str], deque] = {}

    def of(
        self, layer: nn.Module, source: Tensor | float, make: Callable[[], Value], what: str = ""
    ) -> Value:
        """``make()``, or what it gave before for this layer and source.

        Tensors are told apart by identity (they are held, so that an id is never used twice),
        numbers by value. ``what`` tells apart several values of one layer.
        """
        made = self._made.setdefault((layer, what), deque(maxlen=self._keep))
        for old, value in made:
            if old is source or (not isinstance(source, Tensor) and _same_number(old, source)):
                return value
        value = make()
        made.append((source, value))
        return value


def _same_number(old: object, new: float) -> bool:
    return not isinstance(old, Tensor) and old == new
