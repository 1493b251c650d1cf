"""What each choice of output codec means to FFmpeg."""

from __future__ import annotations

from dataclasses import dataclass, field

from .pixels import BT709, LIMITED

#: of every muxer: no versions, no random numbers in the file
_SAME_BYTES = {"fflags": "+bitexact"}
#: of every encoder, whatever the machine has: what x264 writes depends on it
THREADS = 4
_ROW = 128  #: px that x264's widest instructions take at once in its look-ahead


def x264_options(width: int, crf: int) -> dict[str, str]:
    """Options of libx264 for a picture so wide.

    Its macroblock tree reads beyond the end of a row that its AVX-512 code does not fill, so that
    the same frames give other bytes from run to run. There it is off: a fifth more bytes, and
    0.7 dB more.
    """
    tree = {"x264-params": "mbtree=0"} if -(-width // 16) * 16 % _ROW else {}
    return {"crf": str(crf), **tree}


@dataclass(frozen=True)
class OutputCodec:
    """Container, encoder and pixel format of one choice."""

    suffix: str  #: of the file name
    container: str  #: FFmpeg's name of the format
    encoder: str
    pixel_format: str
    multiple: tuple[int, int]  #: height and width are padded to multiples of these
    options: dict[str, str] = field(default_factory=dict)
    container_options: dict[str, str] = field(default_factory=lambda: dict(_SAME_BYTES))
    colours: tuple[int, int] | None = (BT709, LIMITED)  #: (matrix, range); None: stays RGB
    copied_sound: tuple[str, ...] = ()  #: decoders whose packets go over as they are
    sound_encoder: str = "pcm_s24le"


OUTPUT_CODECS = {
    "h264": OutputCodec(
        suffix=".mp4",
        container="mp4",
        encoder="libx264",
        pixel_format="yuv420p",
        multiple=(2, 2),
        options={"preset": "veryfast"},  # medium: 2.6 times the CPU for 1.3 dB
        container_options={"movflags": "+faststart", **_SAME_BYTES},
        copied_sound=("aac", "mp3", "mp3float", "alac"),
        sound_encoder="aac",
    ),
    "prores": OutputCodec(
        suffix=".mov",
        container="mov",
        encoder="prores_ks",
        pixel_format="yuv422p10le",
        multiple=(1, 2),
        options={"profile": "3", "vendor": "apl0"},
    ),
    "ffv1": OutputCodec(
        suffix=".mkv",
        container="matroska",
        encoder="ffv1",
        pixel_format="bgr0",
        multiple=(1, 1),
        options={"level": "3", "slicecrc": "1", "g": "1"},
        colours=None,
    ),
}
