"""The motion as maps: depth, normals and a shaded render of the portrait's moving head."""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial

import torch
from comfy_api.latest import io
from torch import Tensor

from ..magicportrait_core.motion.head_pipeline import MapSettings
from ..magicportrait_core.motion.maps_film import SHOWN, Film, map_pictures
from ..magicportrait_core.motion.pipeline import motion_maps
from ..magicportrait_core.render import normal_to_image
from ..magicportrait_core.render.maps import DEPTH_RANGES, MODES
from ..magicportrait_core.types import GeometryMaps, MapBatch
from .faces.networks import face_networks
from .graphs.links import is_linked
from .graphs.notes import warnings_on_node
from .graphs.progress import HostProgress
from .live.track import hold_maps
from .media.convert import core_to_image
from .media.image_output import DeferredImages
from .media.sound import ClipAudio
from .media.video_output import DeferredVideo, write_video
from .schema import node_schema
from .sockets import Maps, MapsSocket, MotionSocket

PICTURES = {"depth": 1, "normal": 2, "render": 3, "mask": 4}  #: and their places among the outputs
BATCH = 8  #: frames rendered at once


def _side(name: str) -> io.Input:
    return io.Int.Input(
        name, default=0, min=0, max=4096, step=8,
        tooltip=f"Pixels of {name}; 0: the portrait crop's, or what suits the other side.",
    )  # fmt: skip


class RenderGeometryMaps(io.ComfyNode):
    @classmethod
    def define_schema(cls) -> io.Schema:
        return node_schema(
            node_id="RenderGeometryMaps",
            display_name="Render Geometry Maps",
            search_aliases=["depth map", "normal map", "FLAME render", "ControlNet maps"],
            description="Renders the portrait's head as it moves: depth, normals and a shaded"
            " picture, frame by frame as they are asked for.",
            inputs=[
                MotionSocket.Input("track", tooltip="From FLAME Track or Motion Edit."),
                _side("width"),
                _side("height"),
                io.Combo.Input(
                    "mode",
                    options=list(MODES),
                    default="stable",
                    tooltip="stable keeps depths from flickering; parity gives the paper's own"
                    " numbers.",
                ),
                io.Combo.Input(
                    "depth_range",
                    options=list(DEPTH_RANGES),
                    default="frame",
                    tooltip="frame: nearest and farthest of every frame, as the diffusion model was"
                    " trained; clip: of the whole clip, for ControlNets.",
                ),
            ],
            outputs=[
                MapsSocket.Output(
                    "maps",
                    display_name="maps",
                    tooltip="All maps, rendered as they are needed, for Face Motion Fusion.",
                ),
                *(
                    io.Image.Output(
                        name,
                        display_name=name,
                        tooltip=what,
                    )
                    for name, what in (
                        ("depth", "White is near."),
                        ("normal", "0.5 + 0.5 n: x right, y up, z to the viewer."),
                        ("render", "The lit head."),
                    )
                ),
                io.Mask.Output(
                    "mask",
                    display_name="mask",
                    tooltip="1 where the mesh is.",
                ),
                io.Video.Output(
                    "video",
                    display_name="video",
                    tooltip="Depth, normals and render side by side, with the driver's sound; made"
                    " only where wired, and of any length.",
                ),
                io.Audio.Output(
                    "audio",
                    display_name="audio",
                    tooltip="The driver's sound; empty if silent.",
                ),
                io.Float.Output(
                    "rate", display_name="fps", tooltip="The driver's frames per second."
                ),
            ],
            hidden=[io.Hidden.prompt, io.Hidden.unique_id],
        )

    @classmethod
    def execute(cls, track, width, height, mode, depth_range) -> io.NodeOutput:
        progress = HostProgress()
        with warnings_on_node(cls.hidden.unique_id):
            maps = motion_maps(
                track.track,
                track.head,
                MapSettings(mode, depth_range),
                width=width,
                height=height,
                device=face_networks().device,
                progress=progress,
            )
            wired = [
                name
                for name, place in PICTURES.items()
                if is_linked(cls.hidden.prompt, cls.hidden.unique_id, place)
            ]
            pictures = _pictures(maps, wired, progress)
        for name in PICTURES:
            if name not in wired:
                pictures[name] = _deferred(maps, name)
        video = DeferredVideo(partial(_write_video, maps, track.audio))
        socket = Maps(maps, track.audio, track.approximate)
        shown = hold_maps(cls.hidden.unique_id, track, socket)
        return io.NodeOutput(
            socket,
            *(pictures[name] for name in PICTURES),
            video,
            None if track.audio is None else ClipAudio(track.audio),
            float(maps.fps),
            ui=shown,
        )


def _shape(maps: GeometryMaps, name: str) -> tuple[int, ...]:
    size = (len(maps), maps.height, maps.width)
    return size if name == "mask" else (*size, 3)


def _pictures(
    maps: GeometryMaps, names: Sequence[str], progress: HostProgress
) -> dict[str, Tensor]:
    """IMAGEs (t, h, w, 3), the MASK (t, h, w), made together, some frames at a time."""
    out = {name: torch.empty(_shape(maps, name)) for name in names}
    for start in range(0, len(maps) if names else 0, BATCH):
        progress("rendering maps", start, len(maps))
        frames = range(start, min(start + BATCH, len(maps)))
        batch = maps.frames(frames)
        for name, images in out.items():
            images[start : frames.stop] = _shown(batch, name)
    return out


def _deferred(maps: GeometryMaps, name: str) -> DeferredImages:
    """What a wire led to it later will carry."""
    return DeferredImages(lambda: _pictures(maps, [name], HostProgress())[name], _shape(maps, name))


def _shown(batch: MapBatch, name: str) -> Tensor:
    if name == "mask":
        return batch.mask[:, 0].cpu()
    images = {
        "depth": batch.depth.expand(-1, 3, -1, -1),
        "normal": normal_to_image(batch.normal),
        "render": batch.render,
    }
    return core_to_image(images[name])


def _write_video(maps: GeometryMaps, audio):
    film = Film(list(SHOWN), [maps.width] * len(SHOWN), maps.height)
    return write_video("maps", _filmed(maps, film), film.size, maps.fps, audio)


def _filmed(maps: GeometryMaps, film: Film):
    progress = HostProgress()
    for start in range(0, len(maps), BATCH):
        progress("maps video", start, len(maps))
        shown = map_pictures(maps.frames(range(start, min(start + BATCH, len(maps)))))
        yield film.compose([shown[name] for name in SHOWN])
