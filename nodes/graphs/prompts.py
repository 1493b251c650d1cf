"""The graphs that the host was asked to run, as its page sent them."""

from __future__ import annotations

from comfy_execution.utils import get_executing_context
from server import PromptServer


def running_prompt() -> dict | None:
    """The prompt whose node runs now; None outside of a run."""
    context = get_executing_context()
    return None if context is None else prompt_of(context.prompt_id)


def prompt_of(prompt_id: str) -> dict | None:
    """A prompt that runs, or is in the history."""
    queue = PromptServer.instance.prompt_queue
    running, _ = queue.get_current_queue()
    ran = [entry["prompt"] for entry in queue.get_history(prompt_id=prompt_id).values()]
    return next((item[2] for item in [*running, *ran] if item[1] == prompt_id), None)
