"""What ComfyUI is handed: the list of nodes that this host can run."""

from __future__ import annotations

import importlib
import logging

from comfy_api.latest import ComfyExtension, io

from .model_files.model_folders import add_folders

#: module of this folder -> its node class, in the order of the menu
NODES = {
    "example": "MagicPortraitExample",
    "load_driving_video": "LoadDrivingVideo",
    "track_face": "MagicPortraitTrackFace",
    "preview": "MagicPortraitPreview",
    "still_editor": "MagicPortraitStillEditor",
    "head_loader": "MagicPortraitHeadLoader",
    "flame_track": "FLAMETrack",
    "motion_edit": "MagicPortraitMotionEdit",
    "render_geometry_maps": "RenderGeometryMaps",
    "paste_back": "MagicPortraitPasteBack",
    "model_loader": "MagicPortraitModelLoader",
    "lora_loader": "MagicPortraitLoraLoader",
    "face_motion_fusion": "FaceMotionFusion",
    "temporal_denoise": "TemporalDenoise",
    "decode_video": "DecodeVideo",
}


def load_node(module: str, name: str) -> type[io.ComfyNode] | None:
    """Import one node; None, and one line in the log, where this host lacks what it needs."""
    try:
        node = getattr(importlib.import_module(f".{module}", __package__), name)
        node.GET_SCHEMA()
    except Exception as error:  # whatever one node meets, the others stay
        logging.warning("MagicPortrait: node %s is off, this ComfyUI lacks: %s", name, error)
        return None
    return node


def load_routes() -> None:
    """What the page asks for beside the nodes' own work; every node works without."""
    try:
        importlib.import_module(".live.routes", __package__)
    except (ImportError, AttributeError, RuntimeError) as error:
        logging.warning("MagicPortrait: no pictures live on nodes, this ComfyUI lacks: %s", error)


class MagicPortraitExtension(ComfyExtension):
    async def get_node_list(self) -> list[type[io.ComfyNode]]:
        add_folders()
        load_routes()
        loaded = [load_node(module, name) for module, name in NODES.items()]
        return [node for node in loaded if node is not None]


async def comfy_entrypoint() -> ComfyExtension:
    return MagicPortraitExtension()
