"""A portrait and a driving clip that come with the pack: the first click works."""

from __future__ import annotations

import os
from pathlib import Path

import folder_paths
from comfy_api.latest import io

from ..magicportrait_core.demo import demo_portrait_path, render_demo_driver
from ..magicportrait_core.video import open_image, open_video
from .faces.networks import face_networks
from .graphs.progress import HostProgress
from .media.convert import core_to_image
from .schema import node_schema
from .sockets import DrivingVideo


class MagicPortraitExample(io.ComfyNode):
    @classmethod
    def define_schema(cls) -> io.Schema:
        return node_schema(
            node_id="MagicPortraitExample",
            display_name="Example Portrait and Driver",
            search_aliases=["demo", "sample portrait", "test face"],
            description="A public-domain portrait and a scripted driving clip, to try the other"
            " nodes without files of one's own. The clip is rendered once, on the first run.",
            inputs=[],
            outputs=[
                io.Image.Output(
                    "portrait",
                    display_name="portrait",
                    tooltip="The portrait: Eileen Collins, by NASA.",
                ),
                DrivingVideo.Output(
                    "driving",
                    display_name="driving",
                    tooltip="A scripted clip: the head turns, the mouth opens, the eyes blink.",
                ),
            ],
        )

    @classmethod
    def execute(cls) -> io.NodeOutput:
        portrait = open_image(demo_portrait_path())
        return io.NodeOutput(core_to_image(portrait[None] / 255), open_video(_driver()))


def _driver() -> Path:
    """The scripted clip in the temp folder, rendered where it is not there yet."""
    path = Path(folder_paths.get_temp_directory()) / "magicportrait_example_driver.mp4"
    if not path.exists():
        os.makedirs(path.parent, exist_ok=True)
        render_demo_driver(path, face_networks(), HostProgress())
    return path
