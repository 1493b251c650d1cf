"""What the pack's scripts in the page ask the server for; without them nothing asks.

Requests name a prompt, or a run and a frame: no paths. Answers come from `track` and `still`.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from functools import partial
from typing import TypeVar

from aiohttp import web
from server import PromptServer

from ...magicportrait_core.errors import InputError
from ..graphs.held import Held
from ..graphs.prompts import prompt_of
from ..model_files.weights_state import weights_state
from .still import held_portraits
from .track import held_runs

T = TypeVar("T")
GONE = "run the graph once, then it can be looked at here"


async def _in_thread(work: Callable):
    return await asyncio.get_running_loop().run_in_executor(None, work)


async def _asked(request: web.Request) -> dict:
    try:
        asked = await request.json()
    except (ValueError, LookupError, RecursionError):  # no JSON, or in letters that nobody knows
        raise web.HTTPBadRequest(text="the request's body must be JSON") from None
    if not isinstance(asked, dict):
        raise web.HTTPBadRequest(text="the request's body must be a JSON object")
    return asked


def _held(things: Held[T], asked: dict) -> T:
    thing = things.get(str(asked.get("run")))
    if thing is None:
        raise web.HTTPNotFound(text=GONE)
    return thing


async def _picture(work: Callable[[], bytes]) -> web.Response:
    try:
        body = await _in_thread(work)
    except InputError as error:
        raise web.HTTPBadRequest(text=str(error)) from None
    except (TypeError, ValueError, OverflowError) as error:
        raise web.HTTPBadRequest(text=f"a value of the wrong kind: {error}") from None
    return web.Response(body=body, content_type="image/jpeg")


@PromptServer.instance.routes.post("/magicportrait/runs")
async def runs(request: web.Request) -> web.Response:
    """{prompt_id} of one that was queued, or {prompt} itself -> {node: run} of those held."""
    asked = await _asked(request)
    prompt = asked.get("prompt") or prompt_of(str(asked.get("prompt_id")))
    if not isinstance(prompt, dict):
        return web.json_response({})
    return web.json_response(await _in_thread(partial(_keys_of, prompt)))


def _keys_of(prompt: dict) -> dict[str, str]:
    return held_runs.keys_of(prompt) | held_portraits.keys_of(prompt)


@PromptServer.instance.routes.post("/magicportrait/curves")
async def curves(request: web.Request) -> web.Response:
    """{run} -> its summary; 404 where it is not held."""
    run = _held(held_runs, await _asked(request))
    return web.json_response(await _in_thread(run.summary))


@PromptServer.instance.routes.post("/magicportrait/frame")
async def frame(request: web.Request) -> web.Response:
    """{run, view, frame, close, sliders} -> JPEG; 404 without a run, 400 if it cannot be.

    sliders: the node's inputs as they stand in the page, or null.
    """
    asked = await _asked(request)
    run = _held(held_runs, asked)
    number = asked.get("frame")
    if not isinstance(number, int):
        raise web.HTTPBadRequest(text=f"frame must be a whole number, got {number}")
    view, close, sliders = str(asked.get("view")), bool(asked.get("close")), asked.get("sliders")
    return await _picture(partial(run.picture, view, number, close, sliders))


@PromptServer.instance.routes.post("/magicportrait/still")
async def still(request: web.Request) -> web.Response:
    """{run, sliders} -> the still editor's JPEG; 404 without a run, 400 if it cannot be."""
    asked = await _asked(request)
    portrait = _held(held_portraits, asked)
    return await _picture(partial(portrait.edited, asked.get("sliders", {})))


@PromptServer.instance.routes.get("/magicportrait/weights")
async def weights(request: web.Request) -> web.Response:
    """Every file of the catalogue: what it is for, and whether it is there."""
    return web.json_response(await _in_thread(weights_state))
