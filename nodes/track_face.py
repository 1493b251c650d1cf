"""Tracks the driver's face: a step of its own, so that sliders downstream never retrack."""

from __future__ import annotations

from comfy_api.latest import io

from ..magicportrait_core.faces.given import track_given
from ..magicportrait_core.faces.overlay import draw_track
from ..magicportrait_core.faces.tracker import track_faces
from ..magicportrait_core.motion.track_views import face_views
from ..magicportrait_core.types import FaceTrack, VideoClip
from .faces.host_landmarks import FaceLandmarks, given_faces
from .faces.networks import face_networks
from .graphs.notes import warnings_on_node
from .graphs.progress import HostProgress
from .live.track import hold_face
from .media.video_output import video_of
from .schema import node_schema, smoothing_input
from .sockets import DrivingVideo, FaceTrackSocket, TrackedFace


class MagicPortraitTrackFace(io.ComfyNode):
    @classmethod
    def define_schema(cls) -> io.Schema:
        return node_schema(
            node_id="MagicPortraitTrackFace",
            display_name="Track Face",
            search_aliases=["face landmarks", "face mesh", "mediapipe", "face tracking"],
            description="Follows one face through the clip: 478 points a frame, smoothed over time"
            " without lag.",
            inputs=[
                DrivingVideo.Input("driving", tooltip="The clip to follow a face in."),
                io.Combo.Input(
                    "face",
                    options=["largest", "left_to_right", "index"],
                    default="largest",
                    tooltip="Which face where several are seen: the largest; the face_index-th"
                    " from the left; or the face_index-th by size.",
                ),
                io.Int.Input(
                    "face_index",
                    default=0,
                    min=0,
                    max=99,
                    tooltip="Counts from 0, for left_to_right and index; largest ignores it.",
                ),
                smoothing_input("points"),
                FaceLandmarks.Input(
                    "face_landmarks",
                    optional=True,
                    tooltip="Of the same frames, from Detect Face Landmarks (MediaPipe) of newer"
                    " ComfyUIs: its network is then used in place of the pack's own.",
                ),
            ],
            outputs=[
                FaceTrackSocket.Output(
                    "face_track",
                    display_name="face_track",
                    tooltip="The face's points, frame by frame.",
                ),
                io.Video.Output(
                    "overlay",
                    display_name="overlay",
                    tooltip="The clip with the points drawn on it; made only where wired.",
                ),
            ],
            hidden=[io.Hidden.unique_id],
        )

    @classmethod
    def execute(cls, driving, face, face_index, smoothing, face_landmarks=None) -> io.NodeOutput:
        chosen = {"face": face, "face_index": face_index, "smoothing": smoothing}
        with warnings_on_node(cls.hidden.unique_id):
            if face_landmarks is None:
                track = track_faces(driving, face_networks(), progress=HostProgress(), **chosen)
            else:
                given = given_faces(face_landmarks, (driving.height, driving.width))
                track = track_given(driving, given, progress=HostProgress(), **chosen)
        overlay = video_of(driving, "overlay", lambda: _drawn(driving, track, HostProgress()))
        face = TrackedFace(track, driving.audio, face_views(track, driving))
        return io.NodeOutput(face, overlay, ui=hold_face(cls.hidden.unique_id, face))


def _drawn(clip: VideoClip, track: FaceTrack, progress: HostProgress):
    for i, (frame, landmarks) in enumerate(zip(clip, track.landmarks, strict=True)):
        progress("overlay", i, len(track))
        yield draw_track(frame.image, landmarks, bool(track.valid[i]))[None]
