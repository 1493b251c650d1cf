"""Self-attention that also sees the portrait: keys and values are a frame's own, then the bank's.

Reference-only attention as in Animate Anyone, https://arxiv.org/abs/2311.17117, section 3.2. The
unconditional half sees no bank, so nothing of it is computed twice.
"""

from __future__ import annotations

import torch
from torch import Tensor

from ..errors import InputError
from ..types import ReferenceCondition
from .layers.attention import Attend
from .layers.attention import attend as attend_default
from .layers.forward_pass import Group, Pass
from .layers.hooks import Hooks, Site, Spot
from .layers.shared_keys import attend_shared, partial_attention
from .layers.transformer_layers import Attention


def self_attention(layer: Attention, site: Site | None, tokens: Tensor, run: Pass) -> Tensor:
    """Attention within each frame, and to the bank in the chunks that have one.

    tokens: (b, s, c), normalised. Returns (b, s, c).
    """
    if run.hooks is not None and site is not None and run.hooks.watches("attn1", site):
        return _in_groups(lambda g: _hooked(layer, site, tokens[g.rows], run, g, run.hooks), run)
    if site is None or all(group.reference is None for group in run.groups):
        return layer(tokens, run.attend)
    q, k, v = layer.to_q(tokens), layer.to_k(tokens), layer.to_v(tokens)

    def attended(group: Group) -> Tensor:
        mine = q[group.rows], k[group.rows], v[group.rows]
        if group.reference is None:
            return run.attend(*mine, layer.heads)
        state = bank_of(group.reference, site)
        bank = run.memo.of(layer, state, lambda: layer.keys_values(state.to(tokens)))
        return attend_with_bank(*mine, *bank, layer.heads, run.attend)

    return layer.output(_in_groups(attended, run))


def attend_with_bank(
    q: Tensor, k: Tensor, v: Tensor, bank_k: Tensor, bank_v: Tensor, heads: int, attend: Attend
) -> Tensor:
    """One softmax over a frame's own tokens and the bank's.

    q, k, v: (b, s, c); bank_k, bank_v: (1, m, c), the same for every frame. Returns (b, s, c).
    The bank is not copied for each frame, unless a host's attention function wants it so.
    """
    if attend is attend_default and (partial := partial_attention(q)) is not None:
        return attend_shared(q, k, v, bank_k, bank_v, heads, partial)
    k = torch.cat([k, bank_k.expand(len(k), -1, -1)], dim=1)
    v = torch.cat([v, bank_v.expand(len(v), -1, -1)], dim=1)
    return attend(q, k, v, heads)


def bank_of(reference: ReferenceCondition, site: Site) -> Tensor:
    """The tokens of one block's bank, (1, m, c)."""
    if site.name not in reference.states:
        raise InputError(f"the reference has no bank for {site.name}: make it with this model.")
    return reference.states[site.name]


def _in_groups(make, run: Pass) -> Tensor:
    """The groups' outputs, one after another."""
    outputs = [make(group) for group in run.groups]
    return outputs[0] if len(outputs) == 1 else torch.cat(outputs)


def _hooked(
    layer: Attention, site: Site, own: Tensor, run: Pass, group: Group, hooks: Hooks
) -> Tensor:
    """The long way: every token as such, so that hooks may change it."""
    spot = Spot("attn1", site, layer.heads, layer.head_width, group.chunks)
    source = own
    if group.reference is not None:
        bank = bank_of(group.reference, site).to(own)
        source = torch.cat([own, bank.expand(len(own), -1, -1)], dim=1)
    return hooked_attention(layer, spot, own, source, run.attend, hooks)


def hooked_attention(
    layer: Attention, spot: Spot, own: Tensor, source: Tensor, attend: Attend, hooks: Hooks
) -> Tensor:
    """Attention of ``own`` tokens (b, s, c) on ``source`` (b, m, c') with hooks at every stage."""
    q, k, v = hooks.tokens(spot, own, source, source)
    attend = hooks.attention(spot) or attend
    out = attend(layer.to_q(q), layer.to_k(k), layer.to_v(v), layer.heads)[:, : q.shape[1]]
    return hooks.attended(spot, layer.output(out))
