"""Open a media file with PyAV and say in one sentence what is wrong with it if that fails."""

from __future__ import annotations

import os
from fractions import Fraction
from io import BytesIO
from pathlib import Path

import av
import av.container

from ..errors import InputError

#: Demuxers in use, by FFmpeg's names. Others are refused, so that a text file is never taken for
#: a playlist, a subtitle or text art, and no file makes the reader open another one.
_DEMUXERS = (
    "mov,mp4,m4a,3gp,3g2,mj2,matroska,webm,avi,gif,apng,mpegts,mpeg,mpegvideo,flv,asf,ogg,mxf,"
    "y4m,yuv4mpegpipe,h264,hevc,wav,mp3,aac,flac,aiff,caf,w64"
)

#: A file on disk, or the whole content of one.
MediaSource = Path | bytes


def as_source(file: str | os.PathLike | BytesIO | bytes) -> tuple[MediaSource, str]:
    """Return (source, name for messages); raise InputError for a missing or empty file."""
    if isinstance(file, bytes):
        return _not_empty(file, "the video in memory"), "the video in memory"
    if hasattr(file, "read"):
        file.seek(0)
        return _not_empty(file.read(), "the video in memory"), "the video in memory"
    path = Path(file)
    if not path.exists():
        raise InputError(f"{path} does not exist.")
    if path.is_dir():
        return path, path.name or str(path)
    try:
        with open(path, "rb") as opened:
            _not_empty(opened.read(1), path.name)
    except OSError as error:
        raise InputError(f"{path} cannot be read: {error.strerror}.") from error
    return path, path.name


def _not_empty(data: bytes, name: str) -> bytes:
    if not data:
        raise InputError(f"{name} is empty (0 bytes).")
    return data


def open_container(source: MediaSource, name: str) -> av.container.InputContainer:
    """Open for reading; the caller closes it (``with``)."""
    file = BytesIO(source) if isinstance(source, bytes) else os.path.abspath(source)
    if not isinstance(source, bytes) and not source.exists():
        raise InputError(f"{source} is not there any more.")
    try:
        return av.open(file, "r", container_options={"format_whitelist": _DEMUXERS})
    except av.FFmpegError as error:
        raise InputError(
            f"{name} cannot be read as a video or picture: it is of an unknown kind, incomplete or "
            f"damaged ({error.strerror}): give one that other programs open."
        ) from error


def video_stream(container: av.container.InputContainer, name: str) -> av.VideoStream:
    """The first video stream that is not a cover picture."""
    for stream in container.streams.video:
        if not stream.disposition & type(stream.disposition).attached_pic:
            return stream
    raise InputError(f"{name} has no video stream, only sound or data: give a video file.")


def clock_zero(container: av.container.InputContainer) -> Fraction:
    """Seconds that the file's own timestamps are ahead of its beginning."""
    return Fraction(container.start_time or 0, av.time_base)
