"""Scaled dot-product attention: softmax(q k^T / sqrt(d)) v for each head.

https://arxiv.org/abs/1706.03762, equation 1. Every network here takes one function of this form,
so a host may give its own:

    attend(q (b, s, c), k (b, m, c), v (b, m, c), heads) -> (b, s, c)
"""

from __future__ import annotations

from collections.abc import Callable

import torch
import torch.nn.functional as F
from torch import Tensor

Attend = Callable[[Tensor, Tensor, Tensor, int], Tensor]

#: devices whose torch computes attention without the (s, m) matrix
FUSED_DEVICES = ("cpu", "cuda")
#: bytes of that matrix beyond which it is made in pieces
MATRIX_BYTES = 1 << 29


def attend(q: Tensor, k: Tensor, v: Tensor, heads: int) -> Tensor:
    """torch's own attention, in pieces where it would hold a matrix of over MATRIX_BYTES."""
    matrix = q.shape[0] * heads * q.shape[1] * k.shape[1] * q.element_size()
    if q.device.type not in FUSED_DEVICES and matrix > MATRIX_BYTES:
        return attend_in_chunks(q, k, v, heads)
    return attend_fused(q, k, v, heads)


def attend_fused(q: Tensor, k: Tensor, v: Tensor, heads: int) -> Tensor:
    """torch's scaled_dot_product_attention: a flash or memory-efficient kernel where there is."""
    out = F.scaled_dot_product_attention(*(split_heads(x, heads) for x in (q, k, v)))
    return join_heads(out)


def attend_in_chunks(
    q: Tensor, k: Tensor, v: Tensor, heads: int, matrix_bytes: int = MATRIX_BYTES
) -> Tensor:
    """Some queries of some rows at a time, so that no matrix is larger than ``matrix_bytes``.

    One query of one row is the least, however large its matrix.
    """
    query_bytes = heads * k.shape[1] * q.element_size()  # of one query of one row
    queries = max(1, min(q.shape[1], matrix_bytes // query_bytes))
    rows = max(1, min(q.shape[0], matrix_bytes // (query_bytes * queries)))
    out = torch.empty_like(q)
    for r in range(0, q.shape[0], rows):
        row = slice(r, r + rows)
        for s in range(0, q.shape[1], queries):
            part = slice(s, s + queries)
            out[row, part] = attend_plain(q[row, part], k[row], v[row], heads)
    return out


def attend_plain(q: Tensor, k: Tensor, v: Tensor, heads: int) -> Tensor:
    """The equation as it stands; holds the whole (b, heads, s, m) matrix."""
    q, k, v = (split_heads(x, heads) for x in (q, k, v))
    scores = q @ k.transpose(-1, -2) * q.shape[-1] ** -0.5
    return join_heads(scores.softmax(-1) @ v)


def split_heads(x: Tensor, heads: int) -> Tensor:  # (b, s, c) -> (b, heads, s, c / heads)
    return x.unflatten(-1, (heads, -1)).transpose(1, 2)


def join_heads(x: Tensor) -> Tensor:  # (b, heads, s, d) -> (b, s, heads * d)
    return x.transpose(1, 2).flatten(2)
