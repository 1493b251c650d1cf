"""What the page's scrubbers look at: the latest runs of the nodes that track, move and map.

A node that has run calls one of the ``hold_*`` functions and returns their dict as its ``ui``.
The page then asks `live_routes` for curves and pictures. Runs are held by client and node, the
latest few only; nothing is computed or decoded before the page asks.
"""

from __future__ import annotations

import json
from collections import OrderedDict
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from functools import cache, partial
from itertools import count

from server import PromptServer
from torch import Tensor

from ..magicportrait_core.errors import InputError
from ..magicportrait_core.looking.glimpses import jpeg_of
from ..magicportrait_core.looking.maps_film import SHOWN
from ..magicportrait_core.looking.track_views import (
    View,
    driver_curves,
    driver_views,
    face_curves,
    face_views,
    map_views,
    small_maps,
)
from ..magicportrait_core.motion.pipeline import AnyMotion
from ..magicportrait_core.preview import LiveReenactment, MotionSettings
from ..magicportrait_core.types import FaceTrack, VideoClip
from .convert import to_uint8
from .sockets import LoadedHead, Maps, Motion

HELD = 8  #: runs
UI = "magicportrait"  #: the key of what a node tells the page

_held: OrderedDict[tuple[str | None, str], Run] = OrderedDict()
_numbers = count(1)


@dataclass(frozen=True)
class Run:
    """What one run of a node left to look at."""

    frames: int
    fps: float
    curves: Callable[[], dict]  #: see track_views.curves_of
    views: Mapping[str, View] = field(default_factory=dict)
    #: (view, frame, the node's sliders) -> a JPEG file: the frame as those sliders would make it
    live: Callable[[str, int, dict], bytes] | None = None
    live_views: tuple[str, ...] = ()  #: the views that ``live`` knows

    def summary(self) -> dict:
        """The curves, and what there is to see."""
        views = list(dict.fromkeys((*self.live_views, *self.views)))
        return self.curves() | {"views": views, "live": self.live is not None}

    def picture(self, view: str, frame: int, close: bool, sliders: dict | None) -> bytes:
        """A view of a frame as a JPEG file. Raises InputError where this run has none."""
        if not 0 <= frame < self.frames:
            raise InputError(f"frame must be 0 to {self.frames - 1}, got {frame}")
        if sliders is not None and view in self.live_views:
            return self.live(view, frame, sliders)
        if view not in self.views:
            raise InputError(f"this node has no view {view}")
        return self.views[view](frame, close)


def hold(node_id: str, run: Run) -> dict:
    """Keep a run for the page; the ``ui`` of the node's output, which tells the page of it."""
    key = (getattr(PromptServer.instance, "client_id", None), str(node_id))
    _held[key] = run
    _held.move_to_end(key)
    while len(_held) > HELD:
        _held.popitem(last=False)
    return {UI: [{"node": str(node_id), "run": next(_numbers)}]}


def held_run(client: str | None, node_id: str) -> Run | None:
    """The latest run of a client's node; None where there is none, or others came since."""
    return _held.get((client, node_id))


def hold_face(node_id: str, clip: VideoClip, track: FaceTrack) -> dict:
    """For a node that tracked a face through a clip."""
    curves = cache(partial(face_curves, track))
    return hold(node_id, Run(len(track), float(track.fps), curves, face_views(track, clip)))


def hold_preview(node_id: str, picture: Tensor, still: FaceTrack, driver: FaceTrack) -> dict:
    """For a node that moved a portrait (3, h, w) float 0..1 as a driver moves."""
    shown = LiveReenactment(picture, still, driver)  # a small copy: the picture is not kept

    def live(view: str, frame: int, sliders: dict) -> bytes:
        return jpeg_of(to_uint8(shown.frame(frame, motion_settings(**sliders))))

    curves = cache(partial(face_curves, driver))
    return hold(
        node_id, Run(len(driver), float(driver.fps), curves, live=live, live_views=("result",))
    )


def hold_motion(node_id: str, clip: VideoClip, motion: Motion) -> dict:
    """For a node that tracked a driver's head, or face, and a portrait's."""
    track, head = motion.track, motion.head
    maps = cache(lambda: map_views(small_maps(track, head)))
    views = driver_views(track, head, clip)
    views |= {name: _deferred(maps, name) for name in SHOWN}
    curves = cache(partial(driver_curves, track, head))
    return hold(node_id, Run(len(track), float(clip.fps), curves, views))


def hold_edit(
    node_id: str, motion: AnyMotion, head: LoadedHead | None, edit: Callable[..., AnyMotion]
) -> dict:
    """For a node that edits a motion; ``edit`` makes the edited one of the node's sliders."""
    latest: dict[str, Mapping[str, View]] = {}

    def live(view: str, frame: int, sliders: dict) -> bytes:
        key = json.dumps(sliders, sort_keys=True)
        views = latest.get(key) or map_views(small_maps(edit(**sliders), head))
        latest.clear()
        latest[key] = views
        return views[view](frame, False)

    curves = cache(partial(driver_curves, motion, head))
    frames, fps = len(motion), float(motion.driver.fps)
    return hold(node_id, Run(frames, fps, curves, live=live, live_views=SHOWN))


def hold_maps(node_id: str, motion: Motion, maps: Maps) -> dict:
    """For a node that renders a motion's maps."""
    curves = cache(partial(driver_curves, motion.track, motion.head))
    return hold(node_id, Run(len(maps.maps), float(maps.maps.fps), curves, map_views(maps.maps)))


def _deferred(views: Callable[[], Mapping[str, View]], name: str) -> View:
    return lambda frame, close: views()[name](frame, close)


def motion_settings(neutral_frame: int, **settings) -> MotionSettings:
    """The settings of a node's inputs, where -1 is no frame."""
    return MotionSettings(neutral_frame=None if neutral_frame < 0 else neutral_frame, **settings)
