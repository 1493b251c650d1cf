"""A driving clip from an upload, a VIDEO or a batch of frames."""

from __future__ import annotations

from comfy_api.latest import io

from ..magicportrait_core.errors import InputError
from ..magicportrait_core.types import VideoClip
from ..magicportrait_core.video import open_video
from .graphs.links import NOT_WIRED
from .graphs.progress import HostProgress
from .media.frames_clip import frames_clip
from .media.paths import input_file, list_videos
from .media.sound import ClipAudio
from .media.video_input import video_clip
from .media.video_output import video_of
from .schema import node_schema
from .sockets import DrivingVideo

NO_VIDEO = "none"  #: the combo's only entry while the input folder holds no video


class LoadDrivingVideo(io.ComfyNode):
    @classmethod
    def define_schema(cls) -> io.Schema:
        return node_schema(
            node_id="LoadDrivingVideo",
            display_name="Load Driving Video",
            search_aliases=["driver", "load video", "motion source", "upload video"],
            description="Opens the clip whose motion drives the portrait. Frames are decoded only"
            " as they are used, so a long clip costs no memory.",
            inputs=[
                io.Combo.Input(
                    "file",
                    options=list_videos() or [NO_VIDEO],
                    upload=io.UploadType.video,
                    tooltip="A video of the input folder, or upload one. Not used where video or"
                    " frames is wired.",
                ),
                io.Video.Input(
                    "video",
                    optional=True,
                    tooltip="A VIDEO of another node, in place of the file.",
                ),
                io.Image.Input(
                    "frames",
                    optional=True,
                    tooltip="A batch of pictures in place of the file; fps says how fast they run.",
                ),
                io.Float.Input(
                    "fps",
                    default=24.0,
                    min=1.0,
                    max=240.0,
                    step=0.01,
                    tooltip="Frames per second of the frames input. A file or a VIDEO brings its"
                    " own.",
                ),
                io.Float.Input(
                    "force_rate",
                    default=0.0,
                    min=0.0,
                    max=240.0,
                    step=0.01,
                    tooltip="Resample to this many frames per second; 0 keeps the clip's own rate.",
                ),
                io.Int.Input(
                    "skip_first_frames",
                    default=0,
                    min=0,
                    max=1_000_000,
                    tooltip="Leave out this many frames at the start.",
                ),
                io.Int.Input(
                    "frame_load_cap",
                    default=0,
                    min=0,
                    max=1_000_000,
                    tooltip="Stop after this many frames; 0 takes all.",
                ),
                io.Int.Input(
                    "select_every_nth",
                    default=1,
                    min=1,
                    max=1000,
                    tooltip="Keep one frame of every n; the rate is lowered to match.",
                ),
            ],
            outputs=[
                DrivingVideo.Output(
                    "driving",
                    display_name="driving",
                    tooltip="The clip, for the nodes that track it.",
                ),
                io.Video.Output("clip", display_name="video", tooltip="The frames used, as VIDEO."),
                io.Audio.Output(
                    "audio",
                    display_name="audio",
                    tooltip="The sound of the frames used; empty if silent.",
                ),
                io.Float.Output("rate", display_name="fps", tooltip="Frames per second."),
                io.Int.Output(
                    "frame_count", display_name="frame_count", tooltip="Number of frames used."
                ),
            ],
        )

    @classmethod
    def validate_inputs(cls, file=None, video=NOT_WIRED, frames=NOT_WIRED) -> bool | str:
        if video is not NOT_WIRED or frames is not NOT_WIRED:
            return True
        try:
            _chosen(file)
        except InputError as error:
            return str(error)
        return True

    @classmethod
    def fingerprint_inputs(cls, file=None, video=NOT_WIRED, frames=NOT_WIRED, **_) -> str:
        if video is not NOT_WIRED or frames is not NOT_WIRED:
            return "wired"
        stat = _chosen(file).stat()
        return f"{stat.st_mtime_ns} {stat.st_size}"

    @classmethod
    def execute(
        cls,
        file,
        fps,
        force_rate,
        skip_first_frames,
        frame_load_cap,
        select_every_nth,
        video=None,
        frames=None,
    ) -> io.NodeOutput:
        cut = {
            "fps": force_rate or None,
            "skip_frames": skip_first_frames,
            "max_frames": frame_load_cap or None,
            "stride": select_every_nth,
        }
        if video is None and frames is not None:
            clip = frames_clip(frames, fps, **cut)
        elif video is not None:
            clip = video_clip(video, **cut)
        else:
            clip = open_video(_chosen(file), **cut)
        return io.NodeOutput(
            clip,
            video_of(clip, "driving", lambda: _watched(clip, HostProgress())),
            None if clip.audio is None else ClipAudio(clip.audio),
            float(clip.fps),
            clip.frame_count,
        )


def _chosen(file: str | None):
    return input_file("" if file in (None, NO_VIDEO) else file)


def _watched(clip: VideoClip, progress: HostProgress):
    done = 0
    for batch in clip.batches(8):
        progress("write", done, clip.frame_count)
        yield batch
        done += len(batch)
