"""What nodes leave for the page to look at after they ran, a few things of each kind.

A thing is held by what was fed to its node (see `run_keys`); those that were made or asked for last
stay. The node's ``ui`` tells the page the key.
"""

from __future__ import annotations

import uuid
from collections import OrderedDict
from threading import Lock
from typing import Generic, TypeVar

from .prompts import running_prompt
from .run_keys import RunKeys

T = TypeVar("T")
UI = "magicportrait"  #: the key of what a node tells the page


class Held(Generic[T]):
    """The latest things by their keys, ``limit`` at most."""

    def __init__(self, limit: int) -> None:
        self.limit = limit
        self._things: OrderedDict[str, T] = OrderedDict()
        self._lock = Lock()  #: nodes run in one thread, the page is answered in others

    def hold(self, node_id: str, thing: T, settings: bool) -> dict:
        """Keep it for the page; the ``ui`` of the node's output, which tells the page of it.

        settings: whether a change of the node's own inputs makes another thing of it; where the
        page sends those along, the thing outlives their moving.
        """
        key = RunKeys(running_prompt() or {}).of(node_id, settings) or uuid.uuid4().hex
        with self._lock:
            self._things[key] = thing
            self._things.move_to_end(key)
            while len(self._things) > self.limit:
                self._things.popitem(last=False)
        return {UI: [{"run": key}]}

    def get(self, key: str) -> T | None:
        """None where there is none of that key, or others came since."""
        with self._lock:
            thing = self._things.get(key)
            if thing is not None:
                self._things.move_to_end(key)
            return thing

    def keys_of(self, prompt: dict) -> dict[str, str]:
        """Node id -> key of each node of a prompt whose thing is held."""
        keys = RunKeys(prompt)
        asked = [(node, keys.of(node, settings)) for node in prompt for settings in (True, False)]
        return {node: key for node, key in asked if key and self.get(key) is not None}
