"""Which outputs of a node are wired: an IMAGE batch of a whole clip is made only for a taker."""

from __future__ import annotations

from comfy_execution.utils import get_executing_context

from .prompts import running_prompt

#: what a validate_inputs is given for an input that has no wire; a wired one is None by then
NOT_WIRED = object()


def is_linked(prompt: dict | None, node_id: str, output: int) -> bool:
    """Whether some input of ``prompt`` takes that output.

    A node that the prompt does not list (one made by an expanding node) counts as wired.
    """
    if not prompt or node_id not in prompt:
        return True
    wire = [node_id, output]
    return any(wire == list(value) for node in prompt.values() for value in _wires(node))


def wired_fingerprint(*outputs: int) -> str:
    """For fingerprint_inputs: changes as one of the outputs is wired or freed, so that a cached
    one-frame output is not handed to a new taker of the whole clip."""
    context = get_executing_context()
    if context is None:
        return "unknown"
    prompt = running_prompt()
    wired = [o for o in outputs if is_linked(prompt, context.node_id, o)]
    return f"wired {wired}" if wired else "free"


def _wires(node: dict) -> list:
    return [v for v in node["inputs"].values() if isinstance(v, list) and len(v) == 2]
