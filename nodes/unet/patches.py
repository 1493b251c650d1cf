"""The host's patches of an SD1.5 UNet (IPAdapter, FreeU, PAG ...) as the core's hooks."""

from __future__ import annotations

from typing import Any

from torch import Tensor

from ...magicportrait_core.diffusion.layers.attention import Attend
from ...magicportrait_core.diffusion.layers.hooks import Hooks, Site, Spot
from .recorded_attention import remember


class HostHooks(Hooks):
    """Calls what transformer_options holds, in the host's order and with its arguments."""

    def __init__(self, options: dict[str, Any], control: dict[str, list] | None = None) -> None:
        """control: of a T2I adapter, whose "input" list is used up from its end."""
        self._options = options
        self._patches = options.get("patches", {})
        self._replaced = options.get("patches_replace", {})
        self._control = list((control or {}).get("input", ()))

    def watches(self, kind: str, site: Site) -> bool:
        named = self._patches.get(f"{kind}_patch") or self._patches.get(f"{kind}_output_patch")
        return bool(named) or self._replacement(kind, site) is not None

    def tokens(self, spot: Spot, q: Tensor, k: Tensor, v: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        for patch in self._patches.get(f"{spot.kind}_patch", ()):
            q, k, v = patch(q, k, v, self._extra(spot))
        return q, k, v

    def attention(self, spot: Spot) -> Attend | None:
        patch = self._replacement(spot.kind, spot.site)
        if patch is None:
            return None

        def attend(q: Tensor, k: Tensor, v: Tensor, heads: int) -> Tensor:
            extra = self._extra(spot)
            records = getattr(self._options.get("context_window"), "records", None)
            if records is not None:
                remember(records, patch, (q, k, v), extra)
            return patch(q, k, v, extra)

        return attend

    def attended(self, spot: Spot, out: Tensor) -> Tensor:
        for patch in self._patches.get(f"{spot.kind}_output_patch", ()):
            out = patch(out, self._extra(spot))
        return out

    def between(self, spot: Spot, tokens: Tensor) -> Tensor:
        for patch in self._patches.get("middle_patch", ()):
            tokens = patch(tokens, self._extra(spot))
        return tokens

    def pushed(self, block: int, x: Tensor) -> tuple[Tensor, Tensor]:
        if self._control and (residual := self._control.pop()) is not None:
            x = x + residual.to(x)
        options = self._at("input", block)
        for patch in self._patches.get("input_block_patch", ()):
            x = patch(x, options)
        kept = x
        for patch in self._patches.get("input_block_patch_after_skip", ()):
            x = patch(x, options)
        return kept, x

    def joined(self, block: int, x: Tensor, skip: Tensor) -> tuple[Tensor, Tensor]:
        for patch in self._patches.get("output_block_patch", ()):
            x, skip = patch(x, skip, self._at("output", block))
        return x, skip

    def _replacement(self, kind: str, site: Site):
        """The host's key has the number of the block's transformer, which is always 0, or not."""
        patches = self._replaced.get(kind, {})
        place = (site.section, site.block)
        return patches.get((*place, 0), patches.get(place))

    def _at(self, section: str, block: int) -> dict[str, Any]:
        return {**self._options, "block": (section, block)}

    def _extra(self, spot: Spot) -> dict[str, Any]:
        """extra_options, as the host's transformer blocks make them."""
        options = self._at(spot.site.section, spot.site.block)
        del options["patches"], options["patches_replace"]
        chunks = self._options["cond_or_uncond"]
        return options | {
            "block_index": 0,
            "transformer_index": spot.site.index,
            "n_heads": spot.heads,
            "dim_head": spot.head_width,
            "attn_precision": None,
            "cond_or_uncond": [chunks[i] for i in spot.chunks],
        }


def hooks_of(options: dict[str, Any], control: dict[str, list] | None) -> HostHooks | None:
    """None where nothing is patched: the short way."""
    if not any(options.get(name) for name in ("patches", "patches_replace")):
        if not (control or {}).get("input"):
            return None
    return HostHooks({"patches": {}, "patches_replace": {}} | options, control)
