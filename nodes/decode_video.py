"""Latents to a video file, some frames at a time."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import chain

from comfy_api.latest import InputImpl, io
from torch import Tensor

from ..magicportrait_core.errors import InputError
from ..magicportrait_core.video.timing import as_rate
from .graphs.links import is_linked, wired_fingerprint
from .graphs.notes import warnings_on_node
from .graphs.progress import HostProgress
from .media.convert import KeptFrames
from .media.sound import audio_source
from .media.video_output import write_video
from .schema import node_schema
from .unet.conds import KEY

IMAGES = 1  #: place of the images output
AT_ONCE = 4  #: frames decoded together
TILE_ABOVE = 768  #: px; tile auto decodes larger pictures in tiles
TILE, OVERLAP = 64, 16  #: of the latent


class DecodeVideo(io.ComfyNode):
    @classmethod
    def define_schema(cls) -> io.Schema:
        return node_schema(
            node_id="DecodeVideo",
            display_name="Decode Video",
            search_aliases=["vae decode", "latent to video", "combine video"],
            description="Decodes latents straight into a video with the driver's sound: memory"
            " does not grow with the clip.",
            inputs=[
                io.Latent.Input("latent", tooltip="From Temporal Denoise or any other sampler."),
                io.Vae.Input("vae", tooltip="A VAE of SD1.5; ft-mse is the paper's."),
                io.Float.Input(
                    "fps",
                    default=0.0,
                    min=0.0,
                    max=240.0,
                    step=0.01,
                    tooltip="Frames per second; 0: the driver's, which the latent carries.",
                ),
                io.Audio.Input("audio", optional=True, tooltip="Sound in place of the driver's."),
                io.Combo.Input(
                    "tile",
                    options=["auto", "on", "off"],
                    default="auto",
                    tooltip=f"Decode in tiles, for less memory; auto: above {TILE_ABOVE} px.",
                ),
            ],
            outputs=[
                io.Video.Output("video", display_name="video", tooltip="The clip, for Save Video."),
                io.Image.Output(
                    "images",
                    display_name="images",
                    tooltip="Every frame where wired (3 MB a frame at 512 px), else the first.",
                ),
            ],
            hidden=[io.Hidden.prompt, io.Hidden.unique_id],
        )

    @classmethod
    def fingerprint_inputs(cls, **_) -> str:
        return wired_fingerprint(IMAGES)

    @classmethod
    def execute(cls, latent, vae, fps, tile, audio=None) -> io.NodeOutput:
        carried = latent.get(KEY) or {}
        rate = as_rate(fps) if fps else carried.get("fps")
        if rate is None:
            raise InputError("this latent carries no frame rate: set fps.")
        sound = carried.get("audio") if audio is None else audio_source(audio)
        samples = latent["samples"]
        keep_all = is_linked(cls.hidden.prompt, cls.hidden.unique_id, IMAGES)
        with warnings_on_node(cls.hidden.unique_id):
            batches = decoded(vae, samples, tile, HostProgress())
            first = next(batches)
            kept = KeptFrames(len(samples) if keep_all else 1, *first.shape[1:3])
            frames = (batch.movedim(-1, 1) for batch in chain([first], batches))
            path = write_video("decoded", kept.of(frames), first.shape[1:3], rate, sound)
        return io.NodeOutput(InputImpl.VideoFromFile(str(path)), kept.images)


def decoded(vae, samples: Tensor, tile: str, progress: HostProgress) -> Iterator[Tensor]:
    """IMAGEs (n, h, w, 3) of (t, 4, h/8, w/8) latents."""
    if samples.ndim != 4 or samples.shape[1] != 4:
        raise InputError(f"latents must be (t, 4, h, w), got {tuple(samples.shape)}")
    tiled = tile == "on" or (tile == "auto" and 8 * max(samples.shape[2:]) > TILE_ABOVE)
    for start in range(0, len(samples), AT_ONCE):
        progress("decode", start, len(samples))
        part = samples[start : start + AT_ONCE]
        if tiled:
            yield vae.decode_tiled(part, tile_x=TILE, tile_y=TILE, overlap=OVERLAP).cpu()
        else:
            yield vae.decode(part).cpu()
