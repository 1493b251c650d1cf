"""The core's warnings, in the log and as text on the node that raised them."""

from __future__ import annotations

import logging
import warnings
from collections.abc import Iterator
from contextlib import contextmanager

from comfy_execution.utils import get_executing_context
from server import PromptServer

from ...magicportrait_core.errors import MagicPortraitWarning


def show_note(text: str, node_id: str, level: int = logging.WARNING) -> None:
    """Log ``text`` and show it on the node."""
    logging.log(level, "MagicPortrait: %s", text)
    server = getattr(PromptServer, "instance", None)  # None: the nodes are run by a script
    if hasattr(server, "send_progress_text"):
        server.send_progress_text(text, node_id)


def note_here(text: str) -> None:
    """The same on the node that runs, whose ever it is; outside a run only the log has it."""
    context = get_executing_context()
    if context is not None:
        show_note(text, context.node_id)
    else:
        logging.warning("MagicPortrait: %s", text)


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
