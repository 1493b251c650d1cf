"""The core's warnings, in the log and as text on the node that raised them."""

from __future__ import annotations

import logging
import warnings
from collections.abc import Iterator
from contextlib import contextmanager

from server import PromptServer

from ..magicportrait_core.errors import MagicPortraitWarning


def show_note(text: str, node_id: str, level: int = logging.WARNING) -> None:
    """Log ``text`` and show it on the node."""
    logging.log(level, "MagicPortrait: %s", text)
    server = PromptServer.instance
    if hasattr(server, "send_progress_text"):
        server.send_progress_text(text, node_id)


@contextmanager
def warnings_on_node(node_id: str) -> Iterator[list[str]]:
    """Show what the core warns of while the block runs; other warnings go their usual way.

    What the block appends to the list stands above the warnings on the node.
    """
    said: list[str] = []
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always", MagicPortraitWarning)
        try:
            yield said
        finally:
            ours = [w for w in caught if issubclass(w.category, MagicPortraitWarning)]
            lines = list(dict.fromkeys([*said, *(str(w.message) for w in ours)]))
            if lines:
                level = logging.WARNING if ours else logging.INFO
                show_note("\n".join(lines), node_id, level)
    for warning in caught:
        if warning not in ours:
            warnings.warn_explicit(
                warning.message, warning.category, warning.filename, warning.lineno
            )
