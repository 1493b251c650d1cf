"""What all schemas of the pack share."""

from __future__ import annotations

from dataclasses import fields

from comfy_api.latest import io

CATEGORY = "MagicPortrait"

_KNOWN = {f.name for f in fields(io.Schema)}


def node_schema(*, search_aliases: list[str], **parts) -> io.Schema:
    """io.Schema in the pack's category, experimental; aliases only where the host knows them."""
    if "search_aliases" in _KNOWN:
        parts["search_aliases"] = search_aliases
    return io.Schema(category=CATEGORY, is_experimental=True, **parts)


def smoothing_input(of: str) -> io.Input:
    """How much what is tracked is smoothed over time."""
    return io.Float.Input(
        "smoothing",
        default=0.5,
        min=0.0,
        max=1.0,
        step=0.05,
        tooltip=f"0 keeps the raw {of}; more is calmer, and softens quick motion.",
    )
