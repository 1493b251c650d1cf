"""What a run is found by: what was fed to the node, not who ran it, where or when.

So a page that was reloaded, a second page, and a node that the host has cached find it again.
"""

from __future__ import annotations

import hashlib
import json


class RunKeys:
    """Names for the nodes of one prompt, each with all that leads to it."""

    def __init__(self, prompt: dict) -> None:
        self._prompt = prompt
        self._known: dict[tuple[str, bool], str | None] = {}

    def of(self, node_id: str, settings: bool = True) -> str | None:
        """The node's key; None where it, or what leads to it, is not in the prompt.

        settings: whether the node's own inputs count, or only what is wired to it.
        """
        try:
            return self._of(node_id, settings)
        except (KeyError, TypeError, AttributeError, RecursionError):
            return None  # a node made by an expanding one; a page's body that is no prompt

    def _of(self, node_id: str, settings: bool) -> str | None:
        place = (node_id, settings)
        if place not in self._known:
            self._known[place] = None  # a node that leads to itself has no key
            node = self._prompt[node_id]
            fed = self._fed(node["inputs"], settings)
            if fed is not None:
                said = json.dumps([node["class_type"], settings, fed], sort_keys=True)
                self._known[place] = hashlib.sha256(said.encode()).hexdigest()
        return self._known[place]

    def _fed(self, inputs: dict, settings: bool) -> dict | None:
        fed = {}
        for name, value in inputs.items():
            if isinstance(value, list) and len(value) == 2 and value[0] in self._prompt:
                source = self._of(value[0], True)
                if source is None:
                    return None
                fed[name] = [source, value[1]]
            elif settings:
                fed[name] = _number(value)
        return fed


def _number(value):
    """The host makes 1.0 of the page's 1 where an input is a float: both are one."""
    return int(value) if isinstance(value, float) and value.is_integer() else value
