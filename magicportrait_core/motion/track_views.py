"""A track looked at one frame at a time: its curves as numbers, its pictures as JPEG."""

from __future__ import annotations

from collections.abc import Callable, Mapping

import torch
from torch import Tensor

from ..faces.overlay import draw_track
from ..flame.head_model import HeadModel
from ..looking.glimpses import Glimpses, jpeg_of, picture_of
from ..looking.mesh_overlay import MeshOverlay, Window, head_cover, window_round
from ..looking.plot_subjects import Subject, face_subject, head_subject
from ..types import FaceTrack, GeometryMaps, HeadTrack, VideoClip
from .head_pipeline import MapSettings
from .maps_film import SHOWN, map_pictures
from .pipeline import AnyMotion, HeadFiles, motion_maps, picture_size

#: (frame, only the part with the face) -> a JPEG file
View = Callable[[int, bool], bytes]

_DIGITS = 4  #: of a curve's values
_MAP_SIDE = 320  #: px of the longer side of maps that are only looked at


def curves_of(subject: Subject) -> dict:
    """A subject's curves as plain numbers, for a page to draw.

    {"frames", "fps", "neutral", "lost": [[first, last], ...] of frames without a face,
    "panels": [{"label", "lines": [{"name", "values"}, ...]}, ...]}
    """
    return {
        "frames": len(subject),
        "fps": float(subject.fps),
        "neutral": subject.neutral,
        "lost": _stretches(~subject.valid),
        "panels": [
            {
                "label": panel.label,
                "lines": [
                    {"name": line.name, "values": [round(v, _DIGITS) for v in line.values.tolist()]}
                    for line in panel.lines
                ],
            }
            for panel in subject.panels
        ],
    }


def face_curves(track: FaceTrack) -> dict:
    """`curves_of` a landmark track."""
    return curves_of(face_subject(track))


def driver_curves(motion: AnyMotion, head: HeadFiles | None) -> dict:
    """`curves_of` what drives a motion. head: of a motion that has one."""
    if isinstance(motion.driver, FaceTrack):
        return face_curves(motion.driver)
    return curves_of(head_subject(motion.driver, head.head))


def face_views(track: FaceTrack, clip: VideoClip) -> Mapping[str, View]:
    """ "frame": the clip's own picture; "mesh": the landmarks over it."""
    close = face_window(track)

    def draw(picture: Tensor, frame: int, window: Window) -> Tensor:
        place = track.landmarks[frame, :, :2] - torch.tensor([window.left - 0.5, window.top - 0.5])
        place = place * (picture.shape[-1] / window.width) - 0.5
        return draw_track(picture, place, bool(track.valid[frame]))

    return _clip_views(clip, lambda: close, draw)


def face_window(track: FaceTrack) -> Window:
    """The part of the frames that the face stays in."""
    points = track.landmarks[track.valid][..., :2].reshape(-1, 2)
    scale = torch.tensor([2 / track.frame_size[1], 2 / track.frame_size[0]])
    spread = (points + 0.5) * scale - 1
    return window_round(spread.amin(0), spread.amax(0), track.frame_size)


def head_views(track: HeadTrack, head: HeadModel, clip: VideoClip) -> Mapping[str, View]:
    """ "frame": the clip's own picture; "mesh": the head over it."""
    overlay = MeshOverlay(head_cover(track, head), track.frame_size, track.valid.cpu())

    def draw(picture: Tensor, frame: int, window: Window) -> Tensor:
        return overlay.draw(picture[None], [frame], window)[0]

    return _clip_views(clip, overlay.window, draw)


def driver_views(motion: AnyMotion, head: HeadFiles | None, clip: VideoClip) -> Mapping[str, View]:
    """`face_views` or `head_views` of what drives a motion."""
    if isinstance(motion.driver, FaceTrack):
        return face_views(motion.driver, clip)
    return head_views(motion.driver, head.head, clip)


def small_maps(motion: AnyMotion, head: HeadFiles | None) -> GeometryMaps:
    """Maps of a motion to look at: small, each frame by itself, on the CPU."""
    scale = min(1.0, _MAP_SIDE / max(picture_size(motion)))
    height, width = (max(64, round(side * scale)) for side in picture_size(motion))
    return motion_maps(motion, head, MapSettings("parity"), width=width, height=height)


def map_views(maps: GeometryMaps) -> Mapping[str, View]:
    """ "depth", "normal", "render", each rendered when it is asked for."""

    def view(name: str) -> View:
        return lambda frame, close: jpeg_of(map_pictures(maps.frames([frame]))[name][0])

    return {name: view(name) for name in SHOWN}


def _clip_views(
    clip: VideoClip,
    find_close: Callable[[], Window],
    draw: Callable[[Tensor, int, Window], Tensor],
) -> Mapping[str, View]:
    glimpses = Glimpses(clip)
    whole = Window(0, 0, clip.width, clip.height)
    found: list[Window] = []

    def window(close: bool) -> Window:
        if close and not found:
            found.append(find_close())
        return found[0] if close else whole

    def frame_view(frame: int, close: bool) -> bytes:
        return glimpses.jpeg(frame, window(close))

    def mesh_view(frame: int, close: bool) -> bytes:
        picture = picture_of(frame_view(frame, close))
        return jpeg_of(draw(picture, frame, window(close)))

    return {"frame": frame_view, "mesh": mesh_view}


def _stretches(marked: Tensor) -> list[list[int]]:
    """(t,) bool -> [first, last] of each stretch of True."""
    found: list[list[int]] = []
    for i in marked.nonzero()[:, 0].tolist():
        if found and found[-1][1] == i - 1:
            found[-1][1] = i
        else:
            found.append([i, i])
    return found
