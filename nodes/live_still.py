"""The still editor's live preview: while a slider moves, the page asks for the picture here.

The portrait of a node's last run is held by client and node, for the latest few nodes only.
"""

from __future__ import annotations

import asyncio
from collections import OrderedDict
from functools import partial
from io import BytesIO

from aiohttp import web
from PIL import Image
from server import PromptServer
from torch import Tensor

from ..magicportrait_core.errors import InputError
from ..magicportrait_core.preview import FaceSliders, edit_still
from ..magicportrait_core.preview.live import reduced
from ..magicportrait_core.types import FaceTrack
from .convert import to_uint8

HELD = 4  #: portraits

_held: OrderedDict[tuple[str | None, str], tuple[Tensor, FaceTrack]] = OrderedDict()


def hold_portrait(node_id: str, picture: Tensor, track: FaceTrack) -> None:
    """Keep what a run of the node worked on, (3, h, w) float 0..1 and its track, reduced."""
    key = (PromptServer.instance.client_id, node_id)
    _held[key] = reduced(picture, track)
    _held.move_to_end(key)
    while len(_held) > HELD:
        _held.popitem(last=False)


def _jpeg(picture: Tensor, track: FaceTrack, sliders: FaceSliders) -> bytes:
    edited = to_uint8(edit_still(picture, track, sliders)).movedim(0, -1)
    buffer = BytesIO()
    Image.fromarray(edited.cpu().numpy()).save(buffer, "JPEG", quality=90)
    return buffer.getvalue()


@PromptServer.instance.routes.post("/magicportrait/still")
async def live_still(request: web.Request) -> web.Response:
    """{client, node, sliders} -> JPEG; 404 where the node has not run yet, 400 on bad sliders."""
    asked = await request.json()
    held = _held.get((asked.get("client"), str(asked.get("node"))))
    if held is None:
        return web.Response(status=404, text="run the graph once, then the picture is live")
    try:
        sliders = FaceSliders(**asked.get("sliders", {}))
    except (InputError, TypeError) as error:
        return web.Response(status=400, text=str(error))
    loop = asyncio.get_running_loop()
    body = await loop.run_in_executor(None, partial(_jpeg, *held, sliders))
    return web.Response(body=body, content_type="image/jpeg")
