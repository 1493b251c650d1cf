"""What the page's scrubbers look at: the latest runs of the nodes that track, move and map.

A node that has run calls one of the ``hold_*`` functions and returns their dict as its ``ui``.
The page then asks `routes` for curves and pictures. Nothing is computed or decoded before it
asks.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, fields
from functools import cache, partial
from types import MappingProxyType

from torch import Tensor

from ...magicportrait_core.errors import InputError
from ...magicportrait_core.looking.glimpses import jpeg_of
from ...magicportrait_core.motion.maps_film import SHOWN
from ...magicportrait_core.motion.pipeline import AnyMotion
from ...magicportrait_core.motion.track_views import (
    View,
    driver_curves,
    face_curves,
    face_window,
    map_views,
    small_maps,
)
from ...magicportrait_core.preview import LiveReenactment, MotionSettings
from ...magicportrait_core.types import FaceTrack
from ..graphs.held import Held
from ..media.convert import to_uint8
from ..sockets import Maps, Motion, TrackedFace
from .values import all_values

NO_VIEWS: Mapping[str, View] = MappingProxyType({})


@dataclass(frozen=True)
class Run:
    """What one run of a node left to look at."""

    frames: int
    fps: float
    curves: Callable[[], dict]  #: see track_views.curves_of
    views: Mapping[str, View] = field(default_factory=dict)
    first: tuple[str, ...] = ()  #: the views that the page opens with, side by side
    #: (view, frame, close, the node's sliders) -> a JPEG file: as those sliders would make it
    live: Callable[[str, int, bool, dict], bytes] | None = None
    live_views: tuple[str, ...] = ()  #: the views that ``live`` knows
    sliders: tuple[str, ...] = ()  #: the node's inputs that ``live`` takes, all of them

    def summary(self) -> dict:
        """The curves, and what there is to see."""
        views = list(dict.fromkeys((*self.views, *self.live_views)))
        told = {"views": views, "first": self.first, "live": self.live is not None}
        return self.curves() | told

    def picture(self, view: str, frame: int, close: bool, sliders: dict | None) -> bytes:
        """A view of a frame as a JPEG file. Raises InputError where this run has none.

        sliders: the node's inputs as they stand in the page, and what else it has there, or None.
        """
        if not 0 <= frame < self.frames:
            raise InputError(f"frame must be 0 to {self.frames - 1}, got {frame}")
        if sliders is not None and view in self.live_views:
            return self.live(view, frame, close, all_values(sliders, self.sliders))
        if view not in self.views:
            raise InputError(f"this node has no view {view}")
        return self.views[view](frame, close)


held_runs: Held[Run] = Held(16)


def hold(node_id: str, run: Run) -> dict:
    """Keep a run for the page; the ``ui`` of the node's output, which tells the page of it."""
    return held_runs.hold(node_id, run, settings=run.live is None)


def hold_face(node_id: str, face: TrackedFace) -> dict:
    """For a node that tracked a face through a clip."""
    track = face.track
    curves = cache(partial(face_curves, track))
    return hold(node_id, Run(len(track), float(track.fps), curves, face.views, ("mesh",)))


def hold_preview(node_id: str, picture: Tensor, still: FaceTrack, driver: TrackedFace) -> dict:
    """For a node that moved a portrait (3, h, w) float 0..1 as a driver moves."""
    track = driver.track
    shown = LiveReenactment(picture, still, track)  # a small copy: the picture is not kept
    window = face_window(shown.track)

    def live(view: str, frame: int, close: bool, sliders: dict) -> bytes:
        picture = to_uint8(shown.frame(frame, motion_settings(**sliders)))
        return jpeg_of(
            window.cut(picture[None], window.height, window.width)[0] if close else picture
        )

    curves, views = cache(partial(face_curves, track)), driver.views or CLIPLESS
    first, names = ("mesh", "result"), tuple(field.name for field in fields(MotionSettings))
    fps = float(track.fps)
    return hold(node_id, Run(len(track), fps, curves, views, first, live, ("result",), names))


def hold_motion(node_id: str, motion: Motion) -> dict:
    """For a node that tracked a driver's head, or face, and a portrait's."""
    maps = cache(lambda: map_views(small_maps(motion.track, motion.head)))
    views = {name: _deferred(maps, name) for name in SHOWN}
    return hold(node_id, _run_of(motion, views, first=("mesh",)))


def hold_edit(
    node_id: str, motion: Motion, edit: Callable[..., AnyMotion], sliders: tuple[str, ...]
) -> dict:
    """For a node that edits a motion; ``edit`` makes the edited one of the node's ``sliders``."""
    latest: dict[str, Mapping[str, View]] = {}

    def live(view: str, frame: int, close: bool, values: dict) -> bytes:
        key = json.dumps(values, sort_keys=True)
        views = latest.get(key) or map_views(small_maps(edit(**values), motion.head))
        latest.clear()
        latest[key] = views
        return views[view](frame, close)

    return hold(node_id, _run_of(motion, live=live, live_views=SHOWN, sliders=sliders))


def hold_maps(node_id: str, motion: Motion, maps: Maps) -> dict:
    """For a node that renders a motion's maps."""
    return hold(node_id, _run_of(motion, map_views(maps.maps)))


def _run_of(
    motion: Motion, views: Mapping[str, View] = NO_VIEWS, first=("mesh", "render"), **live
) -> Run:
    """The driver's curves and pictures, and ``views`` beside them."""
    curves = cache(partial(driver_curves, motion.track, motion.head))
    shown = dict(motion.views or CLIPLESS) | dict(views)
    return Run(len(motion.track), float(motion.track.driver.fps), curves, shown, first, **live)


def _deferred(views: Callable[[], Mapping[str, View]], name: str) -> View:
    return lambda frame, close: views()[name](frame, close)


def _no_clip(frame: int, close: bool) -> bytes:
    raise InputError("the clip is not known here: wire a track from Track Face or FLAME Track")


#: of a track whose maker did not tell where it was seen
CLIPLESS: Mapping[str, View] = {"frame": _no_clip, "mesh": _no_clip}


def motion_settings(neutral_frame: int, **settings) -> MotionSettings:
    """The settings of a node's inputs, where -1 is no frame."""
    return MotionSettings(neutral_frame=None if neutral_frame < 0 else neutral_frame, **settings)
