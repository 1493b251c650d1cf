"""What the pack's scripts in the page ask the server for; without them nothing asks.

Requests name a prompt, or a run and a frame: no paths. Answers come from `live_track`.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from functools import partial

from aiohttp import web
from server import PromptServer

from ..magicportrait_core.errors import InputError
from .live_track import Run, held_keys, held_run
from .prompts import prompt_of
from .weights_state import weights_state

GONE = "run the graph once, then it can be looked at here"


async def _in_thread(work: Callable):
    return await asyncio.get_running_loop().run_in_executor(None, work)


async def _asked(request: web.Request) -> dict:
    asked = await request.json()
    if not isinstance(asked, dict):
        raise web.HTTPBadRequest(text="an object is expected")
    return asked


def _run(asked: dict) -> Run:
    run = held_run(str(asked.get("run")))
    if run is None:
        raise web.HTTPNotFound(text=GONE)
    return run


@PromptServer.instance.routes.post("/magicportrait/runs")
async def runs(request: web.Request) -> web.Response:
    """{prompt_id} of one that was queued, or {prompt} itself -> {node: run} of those held."""
    asked = await _asked(request)
    prompt = asked.get("prompt") or prompt_of(str(asked.get("prompt_id")))
    if not isinstance(prompt, dict):
        return web.json_response({})
    return web.json_response(await _in_thread(partial(held_keys, prompt)))


@PromptServer.instance.routes.post("/magicportrait/curves")
async def curves(request: web.Request) -> web.Response:
    """{run} -> its summary; 404 where it is not held."""
    run = _run(await _asked(request))
    return web.json_response(await _in_thread(run.summary))


@PromptServer.instance.routes.post("/magicportrait/frame")
async def frame(request: web.Request) -> web.Response:
    """{run, view, frame, close, sliders} -> JPEG; 404 without a run, 400 if it cannot be.

    sliders: the node's inputs as they stand in the page, or null.
    """
    asked = await _asked(request)
    run = _run(asked)
    try:
        number, sliders = int(asked["frame"]), asked.get("sliders")
        work = partial(run.picture, str(asked["view"]), number, bool(asked.get("close")), sliders)
        body = await _in_thread(work)
    except (InputError, KeyError, TypeError, ValueError) as error:
        return web.Response(status=400, text=str(error))
    return web.Response(body=body, content_type="image/jpeg")


@PromptServer.instance.routes.get("/magicportrait/weights")
async def weights(request: web.Request) -> web.Response:
    """Every file of the catalogue: what it is for, and whether it is there."""
    return web.json_response(await _in_thread(weights_state))
