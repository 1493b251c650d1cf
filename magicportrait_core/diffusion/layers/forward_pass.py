"""What the blocks of a UNet share during one forward pass."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

from torch import Tensor

from ...types import ChunkCondition, ReferenceCondition
from .attention import Attend
from .hooks import Hooks
from .memo import Memo


@dataclass(frozen=True)
class Group:
    """Neighbouring chunks with the same bank."""

    chunks: tuple[int, ...]  #: their numbers in the batch
    rows: slice  #: of the batch
    reference: ReferenceCondition | None


@dataclass(frozen=True)
class Pass:
    """One forward pass over a batch of chunks of n frames."""

    attend: Attend
    frames: int = 1  #: n
    text: Tensor | None = None  #: (r, s, c), each row for b / r rows of the batch
    time: Tensor | None = None  #: (1, c) or (b, c), the embedding after its SiLU
    groups: tuple[Group, ...] = ()
    memo: Memo = field(default_factory=Memo)
    hooks: Hooks | None = None
    record: dict[str, Tensor] | None = None  #: takes each block's LayerNorm 1, if given


def group_chunks(conditions: Sequence[ChunkCondition], frames: int) -> tuple[Group, ...]:
    """The fewest groups of neighbouring chunks that share one bank."""
    groups: list[Group] = []
    for number, condition in enumerate(conditions):
        chunks: tuple[int, ...] = (number,)
        if groups and groups[-1].reference is condition.reference:
            chunks = (*groups.pop().chunks, number)
        rows = slice(chunks[0] * frames, (number + 1) * frames)
        groups.append(Group(chunks, rows, condition.reference))
    return tuple(groups)
