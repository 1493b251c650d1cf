"""The portrait moved by the track, without any download."""

from __future__ import annotations

from comfy_api.latest import InputImpl, io

from ..magicportrait_core.faces.tracker import track_image
from ..magicportrait_core.preview import MODES, reenact_frames
from .faces.networks import face_networks
from .graphs.links import is_linked, wired_fingerprint
from .graphs.notes import warnings_on_node
from .graphs.progress import HostProgress
from .live.track import hold_preview, motion_settings
from .media.convert import KeptFrames, single_picture, to_uint8
from .media.video_output import write_video
from .schema import node_schema
from .sockets import FaceTrackSocket

IMAGES = 0  #: place of the images output


def _gain(name: str, what: str) -> io.Input:
    return io.Float.Input(
        name, default=1.0, min=0.0, max=2.0, step=0.05,
        tooltip=f"How much of the driver's {what} is taken over: 0 none, 1 as it is.",
    )  # fmt: skip


class MagicPortraitPreview(io.ComfyNode):
    @classmethod
    def define_schema(cls) -> io.Schema:
        return node_schema(
            node_id="MagicPortraitPreview",
            display_name="Reenact (Preview)",
            search_aliases=["reenact", "animate portrait", "talking head", "face animation"],
            description="Moves the portrait as the tracked face moves, by warping the picture:"
            " no model to download, and seconds to run.",
            inputs=[
                io.Image.Input("portrait", tooltip="One picture with one face to bring to life."),
                FaceTrackSocket.Input("face_track", tooltip="The motion, from Track Face."),
                _gain("pose", "head turns and nods"),
                _gain("expression", "expression, all of the face,"),
                _gain("mouth", "mouth motion, on top of expression,"),
                _gain("eyes", "blinks and lids, on top of expression,"),
                _gain("brows", "brow motion, on top of expression,"),
                io.Combo.Input(
                    "mode",
                    options=list(MODES),
                    default="relative",
                    tooltip="relative adds the driver's change from its neutral frame to the"
                    " portrait; absolute_mouth opens and closes the mouth as far as the driver's;"
                    " absolute takes over head pose and lids as they are, too.",
                ),
                io.Int.Input(
                    "neutral_frame",
                    default=-1,
                    min=-1,
                    max=1_000_000,
                    tooltip="The driver's frame that matches the portrait's face at rest, counted"
                    " from 0; -1 picks one: mouth closed, eyes open, facing the camera.",
                ),
                io.Boolean.Input(
                    "mirror", default=False, tooltip="Swap the motion's left and right."
                ),
            ],
            outputs=[
                io.Image.Output(
                    "images",
                    display_name="images",
                    tooltip="Every frame where wired (3 MB a frame at 512 px), else the first.",
                ),
                io.Video.Output(
                    "video", display_name="video", tooltip="The clip, with the driver's sound."
                ),
            ],
            hidden=[io.Hidden.prompt, io.Hidden.unique_id],
        )

    @classmethod
    def fingerprint_inputs(cls, **_) -> str:
        return wired_fingerprint(IMAGES)

    @classmethod
    def execute(cls, portrait, face_track, neutral_frame, **settings) -> io.NodeOutput:
        picture = single_picture(portrait, "portrait")
        motion = motion_settings(neutral_frame, **settings)
        driver = face_track.track
        keep_all = is_linked(cls.hidden.prompt, cls.hidden.unique_id, IMAGES)
        kept = KeptFrames(len(driver) if keep_all else 1, *portrait.shape[1:3])

        with warnings_on_node(cls.hidden.unique_id):
            networks = face_networks()
            still = track_image(to_uint8(picture), networks, name="the portrait")
            frames = reenact_frames(
                picture, still, driver, motion, device=networks.device, progress=HostProgress()
            )
            path = write_video(
                "preview",
                kept.of(frames),
                picture.shape[1:],
                driver.fps,
                face_track.audio,
            )
        shown = hold_preview(cls.hidden.unique_id, picture, still, face_track)
        return io.NodeOutput(kept.images, InputImpl.VideoFromFile(str(path)), ui=shown)
