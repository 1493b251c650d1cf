"""The result put back: into the portrait's full picture, or over the face of a clip."""

from __future__ import annotations

from collections.abc import Iterator
from fractions import Fraction

import torch
from comfy_api.latest import InputImpl, io

from ..magicportrait_core.errors import InputError
from ..magicportrait_core.faces.tracker import track_faces
from ..magicportrait_core.pasting.back import Frames, paste_back
from ..magicportrait_core.pasting.places import face_patches, portrait_patch, with_masks
from ..magicportrait_core.types import AudioSource, VideoClip
from .faces.networks import face_networks
from .graphs.links import NOT_WIRED, is_linked, wired_fingerprint
from .graphs.notes import warnings_on_node
from .graphs.progress import HostProgress
from .media.convert import KeptFrames, image_to_core
from .media.frames_clip import frames_clip
from .media.video_input import video_clip
from .media.video_output import write_video
from .schema import node_schema
from .sockets import FaceTrackSocket, MotionSocket

IMAGES = 1  #: place of the images output


class MagicPortraitPasteBack(io.ComfyNode):
    @classmethod
    def define_schema(cls) -> io.Schema:
        return node_schema(
            node_id="MagicPortraitPasteBack",
            display_name="Paste Back",
            search_aliases=["uncrop", "stitch", "composite face", "paste face", "face swap"],
            description="Puts the reenacted crop back into the portrait's full picture, at its full"
            " resolution and with a soft edge, or over the face of a clip. Pixels outside the edge"
            " stay as they were.",
            inputs=[
                io.Image.Input(
                    "images",
                    optional=True,
                    tooltip="The frames to put back, of the crop's shape and at any resolution: an"
                    " upscaler may stand before.",
                ),
                io.Video.Input(
                    "result",
                    optional=True,
                    tooltip="The same as a VIDEO, which needs no memory for the whole clip.",
                ),
                MotionSocket.Input(
                    "track",
                    optional=True,
                    tooltip="From FLAME Track: where the crop was cut from.",
                ),
                FaceTrackSocket.Input(
                    "face_track",
                    optional=True,
                    tooltip="From Track Face on the target clip: the result's face then goes over"
                    " that face, wherever it moves.",
                ),
                io.Image.Input(
                    "target",
                    optional=True,
                    tooltip="What to paste into: one picture, or as many as there are frames. Not"
                    " wired: the portrait that FLAME Track was given.",
                ),
                io.Video.Input(
                    "target_video",
                    optional=True,
                    tooltip="A clip to paste into, in place of target.",
                ),
                io.Mask.Input(
                    "mask",
                    optional=True,
                    tooltip="Of the crop: 1 shows the result. Not wired: the head wherever it goes,"
                    " with room for the hair.",
                ),
                io.Float.Input(
                    "feather",
                    default=0.08,
                    min=0.0,
                    max=0.5,
                    step=0.01,
                    tooltip="Width of the soft edge, as a share of the crop's side.",
                ),
            ],
            outputs=[
                io.Video.Output(
                    "video", display_name="video", tooltip="The clip, with the driver's sound."
                ),
                io.Image.Output(
                    "whole",
                    display_name="images",
                    tooltip="Every frame where wired, else the first.",
                ),
            ],
            hidden=[io.Hidden.prompt, io.Hidden.unique_id],
        )

    @classmethod
    def validate_inputs(
        cls, images=NOT_WIRED, result=NOT_WIRED, track=NOT_WIRED, face_track=NOT_WIRED,
        target=NOT_WIRED, target_video=NOT_WIRED,
    ) -> bool | str:  # fmt: skip
        """What is not wired is told before the graph runs: this node comes last in it."""
        given = (images, result, track, face_track, target, target_video)
        try:
            _check_wires(*(None if wire is NOT_WIRED else wire is None for wire in given))
        except InputError as error:
            return str(error)
        return True

    @classmethod
    def fingerprint_inputs(cls, **_) -> str:
        return wired_fingerprint(IMAGES)

    @classmethod
    def execute(
        cls,
        feather,
        images=None,
        result=None,
        track=None,
        face_track=None,
        target=None,
        target_video=None,
        mask=None,
    ) -> io.NodeOutput:
        _check_wires(images, result, track, face_track, target, target_video)
        progress = HostProgress()
        with warnings_on_node(cls.hidden.unique_id):
            clip = None if result is None else video_clip(result)
            frames = Frames.of_clip(clip) if images is None else _frames(images, "the images")
            fps = _rate(track, face_track) if clip is None else clip.fps
            own = _masks(mask, frames.count)
            still = own[0] if own is not None and len(own) == 1 else None
            under = _target(track, target, target_video)
            if face_track is not None:
                clip = clip or frames_clip(images, fps)
                seen = track_faces(clip, face_networks(), progress=progress)
                place = face_patches(seen, face_track.track, feather=feather, mask=still)
            else:
                source = tuple(track.source.shape[1:3])
                shown = own[0] if own is not None else None
                size = (under.height, under.width)
                place = portrait_patch(
                    track.track, track.head, source, size, feather=feather, mask=shown
                )
            if own is not None and still is None:
                place = with_masks(place, own, feather)
            keep_all = is_linked(cls.hidden.prompt, cls.hidden.unique_id, IMAGES)
            kept = KeptFrames(frames.count if keep_all else 1, under.height, under.width)
            pasted = kept.of(paste_back(frames, under, place, progress))
            size, audio = (under.height, under.width), _audio(clip, track, face_track)
            path = write_video("pasted", pasted, size, fps, audio)
        return io.NodeOutput(InputImpl.VideoFromFile(str(path)), kept.images)


def _check_wires(images, result, track, face_track, target, target_video) -> None:
    if (images is None) == (result is None):
        raise InputError("wire the frames to paste to images or to result, to one of them")
    if track is None and face_track is None:
        raise InputError(
            "wire track, from FLAME Track, to paste into the portrait's picture, or face_track,"
            " from Track Face, to paste over the face of a clip"
        )
    if target is not None and target_video is not None:
        raise InputError("wire what to paste into to target or to target_video, not to both")
    if face_track is not None and target is None and target_video is None:
        raise InputError("wire the clip that face_track was tracked in to target_video")


def _frames(images: torch.Tensor, name: str) -> Frames:
    """An IMAGE, converted as it is read: there is no room for a second batch."""

    def batches(size: int) -> Iterator[torch.Tensor]:
        return (image_to_core(part) for part in images.split(size))

    return Frames(batches, *images.shape[:3], name)


def _rate(track, face_track) -> Fraction:
    """Of pictures in memory: the driver's."""
    return Fraction(track.track.driver.fps if track is not None else face_track.track.fps)


def _target(track, target, target_video) -> Frames:
    if target_video is not None:
        return Frames.of_clip(video_clip(target_video))
    if target is not None:
        return _frames(target, "the target")
    return _frames(track.source, "the portrait")


def _masks(mask: torch.Tensor | None, count: int) -> torch.Tensor | None:
    """(1 or t, h, w) of a MASK (h, w), (t, h, w) or (t, 1, h, w)."""
    if mask is None:
        return None
    mask = mask.reshape(-1, *mask.shape[-2:]).cpu()
    if len(mask) not in (1, count):
        raise InputError(f"mask has {len(mask)} frames, there are {count} to paste: give 1 or all")
    return mask


def _audio(clip: VideoClip | None, track, face_track) -> AudioSource | None:
    for source in (clip, track, face_track):
        if source is not None and source.audio is not None:
            return source.audio
    return None
