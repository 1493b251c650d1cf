"""Self-Attention Guidance on a clip in windows.

The host's node records one attention of a pass's unconditional half, and reads it when the whole
clip is denoised. After the last of several windows it is shown that attention of all frames.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from torch import Tensor

UNCONDITIONAL = 1  #: the half's number in cond_or_uncond


@dataclass(frozen=True, eq=False)
class Recorded:
    """What a recorder was given for the frames of one window."""

    tokens: list[Tensor]  #: queries, keys, values, (t, s, c) each
    extra: dict  #: its extra_options


#: recorder -> what it was given, of one window
Records = dict[Callable, Recorded]


def remember(records: Records, patch: Callable, tokens: tuple[Tensor, ...], extra: dict) -> None:
    """Keep what an attn1 replacement is given, where it is a recorder and would record it."""
    chunks = extra["cond_or_uncond"]
    is_recorder = getattr(patch, "__qualname__", "").startswith("SelfAttentionGuidance.")
    if is_recorder and UNCONDITIONAL in chunks:
        count = len(tokens[0]) // len(chunks)
        first = chunks.index(UNCONDITIONAL) * count
        half = [part[first : first + count] for part in tokens]
        records[patch] = Recorded(half, extra | {"cond_or_uncond": [UNCONDITIONAL]})


def show_all(windows: list[tuple[list[int], Records]], total: int) -> None:
    """Call each recorder once more, with all frames; of shared ones the last window's count.

    windows: each one's frames, and its records.
    """
    for patch, last in windows[-1][1].items():
        whole = [part.new_empty(total, *part.shape[1:]) for part in last.tokens]
        for frames, records in windows:
            for full, part in zip(whole, records[patch].tokens, strict=True):
                full[frames] = part
        patch(*whole, last.extra)
