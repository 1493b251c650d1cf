"""Attention on tokens of one's own and on tokens that all rows share, with no copy of those.

The softmax over two sets is a mean of the softmaxes over each, weighted by their sums of
exponentials (https://arxiv.org/abs/2205.14135, section 3.1). So the shared tokens are one row, for
the queries of all rows; that takes a kernel which also gives the logarithm of its sum.
"""

from __future__ import annotations

from collections.abc import Callable

import torch
from torch import Tensor

from .attention import join_heads, split_heads

#: q, k, v (b, heads, s, d) -> output (b, heads, s, d), logarithm of the sum (b, heads, s)
Partial = Callable[[Tensor, Tensor, Tensor], tuple[Tensor, Tensor]]


def partial_attention(q: Tensor) -> Partial | None:
    """The kernel for q's device and dtype; None where torch has none, or gradients are wanted."""
    ops = torch.ops.aten
    if q.requires_grad:
        return None
    if q.device.type == "cpu" and hasattr(ops, "_scaled_dot_product_flash_attention_for_cpu"):
        return lambda q, k, v: ops._scaled_dot_product_flash_attention_for_cpu(q, k, v)[:2]
    if q.device.type != "cuda" or torch.version.hip is not None:
        return None
    if q.dtype in (torch.float16, torch.bfloat16):
        return lambda q, k, v: ops._scaled_dot_product_flash_attention(q, k, v)[:2]
    return _efficient


def partial_plain(q: Tensor, k: Tensor, v: Tensor) -> tuple[Tensor, Tensor]:
    """The same by the book."""
    scores = q @ k.transpose(-1, -2) * q.shape[-1] ** -0.5
    return scores.softmax(-1) @ v, scores.logsumexp(-1)


def attend_shared(
    q: Tensor,
    k: Tensor,
    v: Tensor,
    shared_k: Tensor,
    shared_v: Tensor,
    heads: int,
    partial: Partial = partial_plain,
) -> Tensor:
    """q, k, v: (b, s, c), of each row; shared_k, shared_v: (1, m, c). Returns (b, s, c)."""
    b, s = q.shape[:2]
    own, own_sum = partial(*(split_heads(x, heads) for x in (q, k, v)))
    flat = q.reshape(1, b * s, -1)
    shared, shared_sum = partial(*(split_heads(x, heads) for x in (flat, shared_k, shared_v)))
    shared = shared[0].unflatten(1, (b, s)).transpose(0, 1)  # (b, heads, s, d)
    shared_sum = shared_sum[0].unflatten(1, (b, s)).transpose(0, 1)
    share = torch.sigmoid(own_sum - shared_sum)[..., None].to(own)
    return join_heads(torch.lerp(shared, own, share))


def _efficient(q: Tensor, k: Tensor, v: Tensor) -> tuple[Tensor, Tensor]:
    """CUDA's kernel for float32; it pads the sums to whole blocks."""
    run = torch.ops.aten._scaled_dot_product_efficient_attention
    out, sums = run(q, k, v, None, True)[:2]
    return out, sums[..., : q.shape[2]]
