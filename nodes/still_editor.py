"""Sliders on a still: turn the head, blink, smile."""

from __future__ import annotations

from comfy_api.latest import io, ui

from ..magicportrait_core.faces.tracker import track_image
from ..magicportrait_core.preview import FaceSliders, edit_still
from .faces.networks import face_networks
from .graphs.notes import warnings_on_node
from .live.still import hold_portrait
from .media.convert import core_to_image, single_picture, to_uint8
from .schema import node_schema


def _slider(name: str, low: float, high: float, step: float, what: str) -> io.Input:
    return io.Float.Input(
        name, default=0.0, min=low, max=high, step=step, tooltip=what,
        display_mode=io.NumberDisplay.slider,
    )  # fmt: skip


class MagicPortraitStillEditor(io.ComfyNode):
    @classmethod
    def define_schema(cls) -> io.Schema:
        return node_schema(
            node_id="MagicPortraitStillEditor",
            display_name="Still Editor",
            search_aliases=["expression editor", "face sliders", "turn head", "smile", "blink"],
            description="Changes pose and expression of the face in one picture.",
            inputs=[
                io.Image.Input("portrait", tooltip="One picture with a face."),
                _slider("yaw", -25, 25, 0.5, "Degrees the nose turns to the picture's right."),
                _slider("pitch", -20, 20, 0.5, "Degrees the nose lifts; below 0 it sinks."),
                _slider("roll", -25, 25, 0.5, "Degrees the head leans, clockwise."),
                _slider("blink", 0, 1, 0.01, "Closes the eyes; 1 is shut."),
                _slider("smile", -1, 1, 0.01, "Lifts the mouth's corners; below 0 drops them."),
                _slider("mouth", 0, 1, 0.01, "Opens the mouth."),
                _slider("brows", -1, 1, 0.01, "Raises the brows; below 0 lowers them."),
            ],
            outputs=[
                io.Image.Output("image", display_name="image", tooltip="The changed picture.")
            ],
            hidden=[io.Hidden.unique_id],
            is_output_node=True,
        )

    @classmethod
    def execute(cls, portrait, **sliders) -> io.NodeOutput:
        picture = single_picture(portrait, "portrait")
        with warnings_on_node(cls.hidden.unique_id):
            networks = face_networks()
            still = track_image(to_uint8(picture), networks, name="the portrait")
            edited = edit_still(picture, still, FaceSliders(**sliders), device=networks.device)
        image = core_to_image(edited[None])
        shown = ui.PreviewImage(image, cls=cls).as_dict()
        shown |= hold_portrait(cls.hidden.unique_id, picture, still)
        return io.NodeOutput(image, ui=shown)
