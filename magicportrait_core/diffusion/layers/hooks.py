"""Where one forward pass may be changed from outside, as ComfyUI's patches do.

Blocks are numbered as ComfyUI numbers those of SD1.5: conv_in is input 0, layer l of down block b
is input 1 + 3b + l and its downsampler 3 + 3b, the middle is 0, layer l of up block u is output
3u + l (its upsampler belongs to the last layer).
"""

from __future__ import annotations

from dataclasses import dataclass

from torch import Tensor

from .attention import Attend


@dataclass(frozen=True)
class Site:
    """Where a transformer stands."""

    name: str  #: of its block, as in the state dict: the name of its bank
    section: str  #: "input", "middle" or "output"
    block: int  #: number within the section
    index: int  #: number among the transformers, in the order of computation


@dataclass(frozen=True)
class Spot:
    """One attention about to be computed."""

    kind: str  #: "attn1" (within the frame, and the bank) or "attn2" (the text)
    site: Site
    heads: int
    head_width: int
    chunks: tuple[int, ...]  #: which chunks of the batch the tensors hold


class Hooks:
    """Changes nothing: override what is wanted."""

    def watches(self, kind: str, site: Site) -> bool:
        """Whether an attention here is changed; if not, it takes the short way."""
        return False

    def tokens(self, spot: Spot, q: Tensor, k: Tensor, v: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        """The normalised tokens (b, s, c) that become queries, keys, values.

        Of attn1, those of k and v are the frame's own, then the bank's.
        """
        return q, k, v

    def attention(self, spot: Spot) -> Attend | None:
        """What computes attention here; None: as elsewhere.

        Of its output the first s tokens count, so a replacement may return its values.
        """
        return None

    def attended(self, spot: Spot, out: Tensor) -> Tensor:
        """The output (b, s, c) of an attention, before it is added."""
        return out

    def between(self, spot: Spot, tokens: Tensor) -> Tensor:
        """The tokens (b, s, c) of the whole batch after attn1 was added."""
        return tokens

    def pushed(self, block: int, x: Tensor) -> tuple[Tensor, Tensor]:
        """Output (b, c, h, w) of an input block: what the skip keeps, what goes on."""
        return x, x

    def joined(self, block: int, x: Tensor, skip: Tensor) -> tuple[Tensor, Tensor]:
        """What an output block is about to concatenate."""
        return x, skip
