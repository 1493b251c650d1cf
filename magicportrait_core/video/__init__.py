"""Video, picture and sound files: read lazily, written beside and renamed."""

from .audio import read_audio
from .images import check_image_path, open_image, write_image
from .reader import open_video
from .writer import VideoWriter, check_video_path

__all__ = [
    "VideoWriter",
    "check_image_path",
    "check_video_path",
    "open_image",
    "open_video",
    "read_audio",
    "write_image",
]
