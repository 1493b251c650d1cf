"""The graph of the geometry nodes that their tests run, and change."""

from __future__ import annotations

import copy

import numpy as np

from tests.comfyui.graphs import decode, save_image, save_video, saved_files, succeeded

EXAMPLE, LOAD, HEAD, TRACK, EDIT, MAPS, SAVE, TAKER = (str(n) for n in range(1, 9))
SIDE, FRAMES = 256, 12
ACT = "act.mp4"


def graph_of(head: bool) -> dict:
    """Portrait and clip -> FLAMETrack -> Motion Edit -> maps -> the maps' video, saved."""
    gains = dict.fromkeys(("expression", "jaw", "eyelids", "yaw", "pitch", "roll"), 1.0)
    graph = {
        EXAMPLE: {"class_type": "MagicPortraitExample", "inputs": {}},
        LOAD: load(ACT, select_every_nth=8),
        HEAD: {
            "class_type": "MagicPortraitHeadLoader",
            "inputs": {"head": "auto", "tracker_weights": "auto", "if_missing": "explain"},
        },
        TRACK: {
            "class_type": "FLAMETrack",
            "inputs": {
                "driving": [LOAD, 0], "portrait": [EXAMPLE, 0], "head": [HEAD, 0],
                "tracker": "auto", "crop": "auto", "crop_scale": 1.0, "size": SIDE,
                "smoothing": 0.5,
            },
        },
        EDIT: {
            "class_type": "MagicPortraitMotionEdit",
            "inputs": gains | {
                "track": [TRACK, 1], "translation": 0.0, "gaze": 0.0, "relative": False,
                "neutral_frame": -1, "pivot": "root", "keys": "", "keys_mode": "replace",
            },
        },
        MAPS: {
            "class_type": "RenderGeometryMaps",
            "inputs": {
                "track": [EDIT, 0], "width": 0, "height": 0, "mode": "stable",
                "depth_range": "frame",
            },
        },
        SAVE: save_video([MAPS, 5], "maps"),
    }  # fmt: skip
    if not head:
        del graph[HEAD]
        del graph[TRACK]["inputs"]["head"]
    return graph


def load(name: str, **cut) -> dict:
    whole = {"fps": 24.0, "force_rate": 0.0, "skip_first_frames": 0, "frame_load_cap": 0}
    inputs = {"file": name, "select_every_nth": 1} | whole | cut
    return {"class_type": "LoadDrivingVideo", "inputs": inputs}


def taken(graph: dict, source: list, prefix: str) -> dict:
    """The graph with a picture output saved."""
    graph = copy.deepcopy(graph)
    graph[TAKER] = save_image(source, prefix)
    return graph


def maps_of(server, graph: dict) -> np.ndarray:
    return decode(saved_files(server, succeeded(server.run(graph)), SAVE)[0])
