"""Write frames and the source's sound to a video file: beside, then renamed."""

from __future__ import annotations

import os
from contextlib import ExitStack, suppress
from fractions import Fraction
from pathlib import Path

import av
import numpy as np
import torch
from torch import Tensor

from ..checks import check_choice, check_shape
from ..errors import InputError
from ..files import check_output_path, replacing
from ..types import AudioSource
from .codecs import OUTPUT_CODECS, THREADS, x264_options
from .pixels import BT709, FULL, LIMITED, RGB, ScaleGraph
from .soundtrack import SoundTrack
from .timing import as_rate


def check_video_path(path: str | os.PathLike, codec: str) -> Path:
    """Return ``path`` as a Path, or raise InputError where VideoWriter would refuse it."""
    check_choice("codec", codec, tuple(OUTPUT_CODECS))
    path, suffix = check_output_path(path), OUTPUT_CODECS[codec].suffix
    if path.suffix.lower() != suffix:
        raise InputError(
            f"{path.name}: codec {codec} is written to a {suffix} file: name it "
            f"{path.stem}{suffix} or choose another codec."
        )
    return path


class VideoWriter:
    """A context manager that writes one video file.

    The file appears under its name when the block ends; after an exception, Ctrl-C included,
    nothing is left. The same frames give the same bytes. ``h264`` is yuv420p .mp4, tagged and
    converted as BT.709 limited range; ``prores`` is 422 HQ .mov; ``ffv1`` is lossless RGB .mkv.
    Odd sizes get their last row or column twice where the codec needs even ones.
    """

    def __init__(
        self,
        path: str | os.PathLike,
        height: int,
        width: int,
        fps: Fraction | float,
        *,
        codec: str = "h264",
        audio: AudioSource | None = None,
        crf: int = 14,
    ) -> None:
        """Check everything that can be known before the first frame; no file is made yet.

        Args:
            height, width: px of the frames.
            fps: frames per second.
            codec: "h264", "prores" or "ffv1".
            audio: sound carried over for as long as there are frames; None is silent.
            crf: H.264 quality, 0 (lossless) to 51; at 14 no difference is seen.

        Raises:
            InputError: a folder that does not exist, a suffix that does not suit the codec, an
                option out of range.
        """
        self._path = check_video_path(path, codec)
        self._codec = OUTPUT_CODECS[codec]
        if not 0 <= crf <= 51:
            raise InputError(f"crf must be between 0 and 51, got {crf}")
        if min(height, width) < 2 or max(height, width) > 16384:
            raise InputError(f"A video must be 2 to 16384 px on each side, got {width}x{height}")
        self._height, self._width, self._fps = height, width, as_rate(fps)
        self._crf, self._source = crf, audio
        self._pad = (-height % self._codec.multiple[0], -width % self._codec.multiple[1])
        self._cleanup = ExitStack()
        self._container: av.container.OutputContainer | None = None
        self._sound: SoundTrack | None = None
        self.frames_written = 0

    def __enter__(self) -> VideoWriter:
        with ExitStack() as stack:
            temporary = stack.enter_context(replacing(self._path))
            self._container = av.open(
                os.path.abspath(temporary),
                "w",
                format=self._codec.container,
                container_options=self._codec.container_options,
            )
            stack.callback(self._close_quietly)
            self._stream = self._add_video(self._container)
            if self._source is not None:
                self._sound = SoundTrack(
                    self._source,
                    self._container,
                    self._codec.copied_sound,
                    self._codec.sound_encoder,
                )
            self._graph: ScaleGraph | None = None
            self._cleanup = stack.pop_all()
        return self

    def __exit__(self, *error: object) -> None:
        if error[0] is not None:
            self._cleanup.__exit__(*error)
            return
        with self._cleanup:
            if self.frames_written == 0:
                raise InputError(f"No frame came to write to {self._path.name}.")
            with self._named_errors():
                self._container.mux(self._stream.encode(None))
                if self._sound is not None:
                    self._sound.write_until(self.frames_written / self._fps)
                    self._sound.finish()
                self._container.close()

    def write(self, frames: Tensor) -> None:
        """Append frames, (n, 3, h, w) uint8 or float 0..1."""
        if self._container is None:
            raise RuntimeError("VideoWriter is used as `with VideoWriter(...) as writer:`")
        check_shape("frames", frames, "n", 3, self._height, self._width)
        if frames.is_floating_point():
            frames = frames.float().clamp(0, 1).mul(255).round()
        pixels = frames.to("cpu", torch.uint8).permute(0, 2, 3, 1).contiguous().numpy()
        if any(self._pad):
            rows, columns = self._pad
            pixels = np.pad(pixels, ((0, 0), (0, rows), (0, columns), (0, 0)), mode="edge")
        with self._named_errors():
            for picture in pixels:
                self._encode(picture)

    def _encode(self, picture: np.ndarray) -> None:
        frame = av.VideoFrame.from_ndarray(picture, "rgb24")
        if self._graph is None:
            output = tags = ""
            if self._codec.colours is not None:
                output = ":out_color_matrix=bt709:out_range=tv"
                tags = "color_primaries=bt709:color_trc=bt709"
            size = picture.shape[:2]
            self._graph = ScaleGraph(
                frame, (RGB, FULL), size, self._codec.pixel_format, output=output, tags=tags
            )
        converted = self._graph(frame)
        converted.pts, converted.time_base = self.frames_written, 1 / self._fps
        self._container.mux(self._stream.encode(converted))
        self.frames_written += 1
        if self._sound is not None:
            self._sound.write_until(self.frames_written / self._fps)

    def _add_video(self, container: av.container.OutputContainer) -> av.VideoStream:
        options = dict(self._codec.options)
        if self._codec.encoder == "libx264":
            options |= x264_options(self._width + self._pad[1], self._crf)
        stream = container.add_stream(self._codec.encoder, rate=self._fps, options=options)
        stream.height = self._height + self._pad[0]
        stream.width = self._width + self._pad[1]
        stream.pix_fmt = self._codec.pixel_format
        stream.codec_context.thread_count = THREADS
        if self._codec.colours is not None:
            context = stream.codec_context
            context.color_primaries = context.color_trc = context.colorspace = BT709
            context.color_range = LIMITED
        return stream

    def _close_quietly(self) -> None:
        """Close the files whatever state they are in, so that they can be removed."""
        with suppress(av.FFmpegError):
            self._container.close()
        if self._sound is not None:
            self._sound.close()
        self._container = self._sound = None

    def _named_errors(self) -> _NamedErrors:
        return _NamedErrors(self._path.name)


class _NamedErrors:
    """FFmpeg's errors while writing, with the file's name."""

    def __init__(self, name: str) -> None:
        self._name = name

    def __enter__(self) -> None:
        return None

    def __exit__(self, kind: object, error: BaseException | None, trace: object) -> None:
        if isinstance(error, av.FFmpegError):
            raise InputError(f"{self._name} could not be written: {error.strerror}.") from error
