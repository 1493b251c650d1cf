"""The driver's head and the portrait's, tracked by one tracker: what motion is made of."""

from __future__ import annotations

from comfy_api.latest import io

from ..magicportrait_core.faces.framing import CROPS, SCALES
from ..magicportrait_core.flame.library.library import AUTO
from ..magicportrait_core.motion.choice import LANDMARKS_ONLY, MOTION_TRACKERS, ways_to_a_head
from ..magicportrait_core.motion.pipeline import (
    CropSettings,
    TrackedMotion,
    overlay_frames,
    track_motion,
)
from ..magicportrait_core.motion.track_views import driver_views
from .faces.networks import face_networks
from .graphs.links import NOT_WIRED
from .graphs.notes import warnings_on_node
from .graphs.progress import HostProgress
from .live.track import hold_motion
from .media.convert import core_to_image, single_picture
from .media.video_output import video_of
from .model_files.head_folders import find_head, fingerprint, first_folder
from .schema import node_schema, smoothing_input
from .sockets import (
    DrivingVideo,
    FaceTrackSocket,
    HeadSocket,
    LoadedHead,
    Motion,
    MotionSocket,
)


class FLAMETrack(io.ComfyNode):
    @classmethod
    def define_schema(cls) -> io.Schema:
        return node_schema(
            node_id="FLAMETrack",
            display_name="FLAME Track",
            search_aliases=["track head", "DECA", "SMIRK", "3DMM", "head tracking", "face crop"],
            description="Tracks the driver's head and the portrait's as parameters of a 3D head"
            " model, and cuts the portrait out. Without a head model it uses the face mesh.",
            inputs=[
                DrivingVideo.Input("driving", tooltip="The clip whose motion drives the portrait."),
                io.Image.Input(
                    "portrait",
                    tooltip="One picture with a face, as large as you have it: it is cropped here.",
                ),
                HeadSocket.Input(
                    "head",
                    optional=True,
                    tooltip="From Load Head Model; without it the first head in models/flame is"
                    " taken, or the face mesh alone where there is none.",
                ),
                io.Combo.Input(
                    "tracker",
                    options=list(MOTION_TRACKERS),
                    default=AUTO,
                    tooltip="auto takes the best that can run here and says which; deca_smirk: the"
                    " paper's networks; landmark_fit: any head model; landmarks_only: no head"
                    " model, maps of the face mesh, for ControlNets.",
                ),
                io.Combo.Input(
                    "crop",
                    options=list(CROPS),
                    default="auto",
                    tooltip="auto cuts the square round the head that the diffusion model expects;"
                    " none takes the picture as it is.",
                ),
                io.Float.Input(
                    "crop_scale",
                    default=1.0,
                    min=SCALES[0],
                    max=SCALES[1],
                    step=0.05,
                    tooltip="Of the crop's square: above 1 shows more round the head.",
                ),
                io.Int.Input(
                    "size",
                    default=512,
                    min=64,
                    max=2048,
                    step=64,
                    tooltip="Pixels a side of the crop. The model was trained at 512.",
                ),
                smoothing_input("motion"),
                FaceTrackSocket.Input(
                    "face_track",
                    optional=True,
                    tooltip="The driver's face, from Track Face: it is then not searched again,"
                    " and another face than the largest can be followed.",
                ),
            ],
            outputs=[
                io.Image.Output(
                    "portrait_crop",
                    display_name="portrait_crop",
                    tooltip="The portrait as all later nodes work on it.",
                ),
                MotionSocket.Output(
                    "track",
                    display_name="track",
                    tooltip="The motion, for Motion Edit and Render Geometry Maps.",
                ),
                io.Video.Output(
                    "overlay",
                    display_name="overlay",
                    tooltip="The driver with the tracked mesh over it, red where no face was seen;"
                    " made only where wired.",
                ),
            ],
            hidden=[io.Hidden.unique_id],
        )

    @classmethod
    def fingerprint_inputs(cls, tracker=AUTO, head=NOT_WIRED, **_) -> str:
        """Without a head wired the folder decides."""
        wired = head is not NOT_WIRED or tracker == LANDMARKS_ONLY
        return "wired" if wired else fingerprint()

    @classmethod
    def execute(
        cls,
        driving,
        portrait,
        tracker,
        crop,
        crop_scale,
        size,
        smoothing,
        head=None,
        face_track=None,
    ) -> io.NodeOutput:
        picture = single_picture(portrait, "portrait")
        with warnings_on_node(cls.hidden.unique_id) as said:
            if head is None and tracker != LANDMARKS_ONLY:
                head = find_head(AUTO, AUTO, HostProgress())
            networks = face_networks()
            found = track_motion(
                driving,
                picture,
                head,
                tracker=head.tracker if tracker == AUTO and head is not None else tracker,
                crop=CropSettings(crop, crop_scale, size),
                smoothing=smoothing,
                face=None if face_track is None else face_track.track,
                networks=networks,
                device=networks.device,
                progress=HostProgress(),
            )
            said.append(_taken(found, head, tracker))
        used = None if found.choice.name == LANDMARKS_ONLY else head
        views = driver_views(found.motion, used, driving)
        motion = Motion(found.motion, used, found.portrait.size, driving.audio, portrait, views)
        overlay = video_of(
            driving,
            "overlay",
            lambda: overlay_frames(
                driving, motion.track, motion.head, device=networks.device, progress=HostProgress()
            ),
        )
        crop = core_to_image(found.portrait.picture[None])
        shown = hold_motion(cls.hidden.unique_id, motion)
        return io.NodeOutput(crop, motion, overlay, ui=shown)


def _taken(found: TrackedMotion, head: LoadedHead | None, asked: str) -> str:
    """What ran, and why; where it is the face mesh for want of a head, what to do about it."""
    choice = found.choice
    if choice.name != LANDMARKS_ONLY:
        return f"{choice.name} on {head.head.name}: {choice.why}"
    advice = "" if asked == LANDMARKS_ONLY else f". {ways_to_a_head(first_folder())}"
    return f"{choice.name}: {choice.why}{advice}"
