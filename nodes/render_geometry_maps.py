"""The motion as maps: depth, normals and a shaded render of the portrait's moving head."""

from __future__ import annotations

from functools import partial

import torch
from comfy_api.latest import io

from ..magicportrait_core.looking.maps_film import SHOWN, Film, map_pictures
from ..magicportrait_core.motion.head_pipeline import MapSettings
from ..magicportrait_core.motion.pipeline import motion_maps
from ..magicportrait_core.render import normal_to_image
from ..magicportrait_core.render.maps import DEPTH_RANGES, MODES
from ..magicportrait_core.types import GeometryMaps, MapBatch
from .faces.networks import face_networks
from .graphs.links import is_linked, wired_fingerprint
from .graphs.notes import warnings_on_node
from .graphs.progress import HostProgress
from .live.track import hold_maps
from .media.convert import core_to_image
from .media.video_output import DeferredVideo, write_video
from .schema import node_schema
from .sockets import Maps, MapsSocket, MotionSocket

DEPTH, NORMAL, RENDER, MASK = 1, 2, 3, 4  #: places of the picture outputs
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
                        tooltip=f"{what} Every frame where wired, else the first.",
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
                    tooltip="1 where the mesh is. Every frame where wired, else the first.",
                ),
                io.Video.Output(
                    "video",
                    display_name="video",
                    tooltip="Depth, normals and render side by side, with the driver's sound; made"
                    " only where wired, and of any length.",
                ),
            ],
            hidden=[io.Hidden.prompt, io.Hidden.unique_id],
        )

    @classmethod
    def fingerprint_inputs(cls, **_) -> str:
        return wired_fingerprint(DEPTH, NORMAL, RENDER, MASK)

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
                place
                for place in (DEPTH, NORMAL, RENDER, MASK)
                if is_linked(cls.hidden.prompt, cls.hidden.unique_id, place)
            ]
            pictures = _pictures(maps, wired, progress)
        video = DeferredVideo(partial(_write_video, maps, track.audio))
        socket = Maps(maps, track.audio, track.approximate)
        shown = hold_maps(cls.hidden.unique_id, track, socket)
        return io.NodeOutput(socket, *pictures, video, ui=shown)


def _pictures(maps: GeometryMaps, wired: list[int], progress: HostProgress) -> list[torch.Tensor]:
    """Depth, normal, render (t, h, w, 3) and mask (t, h, w); t is 1 where nobody takes them."""
    total, size = len(maps), (maps.height, maps.width)
    counts = {place: total if place in wired else 1 for place in (DEPTH, NORMAL, RENDER, MASK)}
    shapes = {place: (*size, 3) if place != MASK else size for place in counts}
    out = {place: torch.empty(counts[place], *shapes[place]) for place in counts}
    for start in range(0, max(counts.values()), BATCH):
        progress("rendering maps", start, max(counts.values()))
        frames = range(start, min(start + BATCH, max(counts.values())))
        batch = maps.frames(frames)
        for place, images in out.items():
            room = max(min(len(images) - start, len(frames)), 0)
            if room:
                images[start : start + room] = _shown(batch, place)[:room]
    return list(out.values())


def _shown(batch: MapBatch, place: int) -> torch.Tensor:
    if place == MASK:
        return batch.mask[:, 0].cpu()
    images = {
        DEPTH: batch.depth.expand(-1, 3, -1, -1),
        NORMAL: normal_to_image(batch.normal),
        RENDER: batch.render,
    }
    return core_to_image(images[place])


def _write_video(maps: GeometryMaps, audio):
    film = Film(list(SHOWN), [maps.width] * len(SHOWN), maps.height)
    return write_video("maps", _filmed(maps, film), film.size, maps.fps, audio)


def _filmed(maps: GeometryMaps, film: Film):
    progress = HostProgress()
    for start in range(0, len(maps), BATCH):
        progress("maps video", start, len(maps))
        shown = map_pictures(maps.frames(range(start, min(start + BATCH, len(maps)))))
        yield film.compose([shown[name] for name in SHOWN])
