"""Puts the portrait and the motion into the conditioning that the denoiser reads."""

from __future__ import annotations

import comfy.latent_formats
import torch
from comfy_api.latest import io
from torch import Tensor

from ..magicportrait_core.errors import InputError
from .graphs.notes import show_note, warnings_on_node
from .graphs.progress import HostProgress
from .media.convert import core_to_image, image_to_core, single_picture
from .schema import node_schema
from .sockets import MapsSocket, ReferenceSocket
from .unet.conds import KEY, FaceCondition, attach_face
from .unet.map_inputs import MapInputs
from .unet.run_checks import check_text

AT_ONCE = 8  #: frames that the VAE encodes together
CHANNELS = 4
APPROXIMATE = (
    "the maps are of a face mesh, which the model was not trained on: the result is approximate. "
    "With a head model (Load Head Model) it follows the driver more closely."
)


def _override(kind: str, how: str) -> io.Input:
    return io.Image.Input(
        kind, optional=True, tooltip=f"Pictures of one's own in place of the {kind} maps: {how}."
    )


class FaceMotionFusion(io.ComfyNode):
    @classmethod
    def define_schema(cls) -> io.Schema:
        return node_schema(
            node_id="FaceMotionFusion",
            display_name="Face Motion Fusion",
            search_aliases=["magicportrait conditioning", "reenact", "guidance", "reference only"],
            description="Tells the model how the portrait looks and how the head moves: wire"
            " positive, negative and latent into a sampler.",
            inputs=[
                ReferenceSocket.Input("reference", tooltip="From Load MagicPortrait Model."),
                io.Image.Input(
                    "portrait_crop",
                    tooltip="The portrait as FLAME Track cropped it: as large as the maps.",
                ),
                io.Vae.Input("vae", tooltip="A VAE of SD1.5; ft-mse is the paper's."),
                io.Conditioning.Input(
                    "positive",
                    tooltip="The prompt by an SD1.5 CLIP. The paper's: A close up of a person.",
                ),
                io.Conditioning.Input(
                    "negative",
                    optional=True,
                    tooltip="Unwired it is the positive prompt without the portrait, as in the"
                    " paper.",
                ),
                MapsSocket.Input(
                    "maps",
                    optional=True,
                    tooltip="From Render Geometry Maps. Needed unless depth, normal and render"
                    " are all wired.",
                ),
                _override("depth", "near is white, empty black"),
                _override("normal", "0.5 + 0.5 n, as Render Geometry Maps gives them"),
                _override("render", "the head in its light on black"),
                io.Image.Input(
                    "init_frames",
                    optional=True,
                    tooltip="Frames to start from, of the preview for instance, with the sampler's"
                    " denoise below 1: as many as the maps, of their size.",
                ),
            ],
            outputs=[
                io.Conditioning.Output(
                    "positive_out", display_name="positive", tooltip="For the sampler."
                ),
                io.Conditioning.Output(
                    "negative_out", display_name="negative", tooltip="For the sampler."
                ),
                io.Latent.Output(
                    "latent",
                    display_name="latent",
                    tooltip="For the sampler: empty, or init_frames encoded. It carries frame rate"
                    " and sound to Decode Video.",
                ),
            ],
            hidden=[io.Hidden.unique_id],
        )

    @classmethod
    def execute(
        cls, reference, portrait_crop, vae, positive, negative=None, maps=None, init_frames=None,
        **pictures,
    ) -> io.NodeOutput:  # fmt: skip
        portrait_crop = core_to_image(single_picture(portrait_crop, "portrait_crop")[None])
        driven = MapInputs(maps, {k: p for k, p in pictures.items() if p is not None})
        driven.check(portrait_crop)
        text = positive[0][0][:1]
        check_text(text, reference.text_width)
        if maps is not None and maps.approximate:
            show_note(APPROXIMATE, cls.hidden.unique_id)
        progress = HostProgress()
        with warnings_on_node(cls.hidden.unique_id):
            started = _start(init_frames, portrait_crop, len(driven), vae, progress)
            portrait = comfy.latent_formats.SD15().process_in(encode(vae, portrait_crop, progress))
            size = tuple(portrait.shape[2:])
            bank = reference.bank(portrait, text)
            guidance, whole = reference.guidance(driven, len(driven), size, progress)
        # what is not made yet is made while sampling: the host loads the encoders with the model
        more = {} if whole else {"additional_models": [reference.encoders]}
        told = attach_face(positive, FaceCondition(guidance, bank, size), **more)
        untold = FaceCondition(guidance, None, size)
        untold = attach_face(positive if negative is None else negative, untold, **more)
        empty = torch.zeros(len(driven), CHANNELS, *size)
        latent = {"samples": empty if started is None else started}
        latent[KEY] = {"fps": driven.fps, "audio": driven.audio}
        return io.NodeOutput(told, untold, latent)


def _start(
    frames: Tensor | None, portrait: Tensor, count: int, vae, progress: HostProgress
) -> Tensor | None:
    """init_frames encoded. Raises InputError where they do not fit the maps."""
    if frames is None:
        return None
    if len(frames) != count or frames.shape[1:3] != portrait.shape[1:3]:
        raise InputError(
            f"init_frames are {len(frames)} of {frames.shape[2]}x{frames.shape[1]} px, the maps "
            f"{count} of {portrait.shape[2]}x{portrait.shape[1]}: give as many, of their size."
        )
    return encode(vae, frames, progress)


def encode(vae, images: Tensor, progress: HostProgress) -> Tensor:
    """IMAGE (t, h, w, c) -> latents (t, 4, h/8, w/8), unscaled, some frames at a time."""
    parts = []
    for start in range(0, len(images), AT_ONCE):
        progress("encode", start, len(images))
        part = core_to_image(image_to_core(images[start : start + AT_ONCE]))
        parts.append(vae.encode(part).cpu())
    latents = torch.cat(parts)
    if latents.ndim != 4 or latents.shape[1] != CHANNELS:
        raise InputError(
            f"this VAE gives latents of shape {tuple(latents.shape)}: wire the VAE of a Stable "
            "Diffusion 1.5 checkpoint."
        )
    return latents
