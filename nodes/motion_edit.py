"""How much of the driver's motion the portrait takes over, and key frames on top of it."""

from __future__ import annotations

from dataclasses import replace
from functools import partial

from comfy_api.latest import io

from ..magicportrait_core.flame.keyframes.keyed import WAYS
from ..magicportrait_core.motion.pipeline import AnyMotion, edited, without_effect
from ..magicportrait_core.types import TransferSettings
from ..magicportrait_core.types.motion import PIVOTS
from .graphs.notes import warnings_on_node
from .live.track import hold_edit
from .schema import node_schema
from .sockets import LoadedHead, MotionSocket

KEYS_HINT = '{"keys": [{"frame": 0, "yaw": 0}, {"frame": 24, "yaw": 15, "jaw": 8}]}'


def _gain(name: str, what: str, default: float = 1.0) -> io.Input:
    return io.Float.Input(
        name, default=default, min=0.0, max=2.0, step=0.05,
        tooltip=f"How much of the driver's {what} is taken over: 0 none, 1 as it is.",
    )  # fmt: skip


class MagicPortraitMotionEdit(io.ComfyNode):
    @classmethod
    def define_schema(cls) -> io.Schema:
        return node_schema(
            node_id="MagicPortraitMotionEdit",
            display_name="Motion Edit",
            search_aliases=["motion gain", "expression only", "pose only", "keyframes", "curves"],
            description="Says how much of the driver's expression and pose the portrait takes over,"
            " and lays key frames on top. Nothing is tracked again.",
            inputs=[
                MotionSocket.Input("track", tooltip="The motion, from FLAME Track."),
                _gain("expression", "expression"),
                _gain("jaw", "jaw, which opens the mouth,"),
                _gain("eyelids", "blinks"),
                _gain("yaw", "turns to the side"),
                _gain("pitch", "nods"),
                _gain("roll", "leaning"),
                _gain("translation", "way through the picture", 0.0),
                _gain("gaze", "gaze, which the paper keeps still,", 0.0),
                io.Boolean.Input(
                    "relative",
                    default=False,
                    tooltip="Off: the portrait takes the driver's face and pose as they are, as"
                    " the paper does. On: only what changes since the driver's neutral frame, so"
                    " that the portrait keeps its own rest pose.",
                ),
                io.Int.Input(
                    "neutral_frame",
                    default=-1,
                    min=-1,
                    max=1_000_000,
                    tooltip="The driver's frame at rest, from 0, for relative and translation; -1"
                    " picks one: mouth closed, eyes open, facing the camera.",
                ),
                io.Combo.Input(
                    "pivot",
                    options=list(PIVOTS),
                    default="root",
                    tooltip="The point that turns leave in place: root, at the neck, as the paper;"
                    " head: between the eyes, so that the face stays where it is.",
                ),
                io.String.Input(
                    "keys",
                    default="",
                    multiline=True,
                    tooltip="Key frames in JSON or CSV, empty for none, such as " + KEYS_HINT,
                ),
                io.Combo.Input(
                    "keys_mode",
                    options=list(WAYS),
                    default="replace",
                    tooltip="replace: channels with keys follow them alone; add: the keys are added"
                    " to the driver's motion.",
                ),
            ],
            outputs=[
                MotionSocket.Output(
                    "edited", display_name="track", tooltip="The motion, as edited."
                )
            ],
            hidden=[io.Hidden.unique_id],
        )

    @classmethod
    def execute(cls, track, **inputs) -> io.NodeOutput:
        with warnings_on_node(cls.hidden.unique_id) as said:
            motion = _edited(track.track, track.head, **inputs)
            said.extend(without_effect(motion))
        edit = partial(_edited, track.track, track.head)
        shown = hold_edit(cls.hidden.unique_id, track, edit, tuple(inputs))
        return io.NodeOutput(replace(track, track=motion), ui=shown)


def _edited(
    motion: AnyMotion, head: LoadedHead | None, relative, neutral_frame, pivot, keys, keys_mode,
    **gains,
) -> AnyMotion:  # fmt: skip
    settings = TransferSettings(
        mode="relative" if relative else "absolute",
        neutral_frame=None if neutral_frame < 0 else neutral_frame,
        pivot=pivot,
        **gains,
    )
    return edited(motion, head, settings, keys, keys_mode)
