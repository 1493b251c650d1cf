"""Loads the denoiser as a MODEL, and what reads the portrait and the maps."""

from __future__ import annotations

from comfy_api.latest import io

from ..magicportrait_core.diffusion.checkpoints.model_files import PARTS, read_part
from ..magicportrait_core.diffusion.checkpoints.weight_files import weight_files
from ..magicportrait_core.diffusion.guidance_encoder import KINDS
from .graphs.notes import warnings_on_node
from .graphs.progress import HostProgress
from .model_files.model_choice import (
    AUTO,
    KIND,
    MODEL,
    OFFICIAL,
    choose_files,
    files_state,
    known_files,
)
from .model_files.model_folders import listed
from .schema import node_schema
from .sockets import ReferenceSocket
from .unet.host_module import DTYPES
from .unet.model import make_model
from .unet.reference import make_reference

#: part -> what it is, for tooltips
CHOICES = {
    "reference_unet": "the reference UNet, which reads the portrait",
    "guidance_encoder_depth": "the encoder of depth maps",
    "guidance_encoder_normal": "the encoder of normal maps",
    "guidance_encoder_render": "the encoder of shaded renders",
    "motion_module": "motion modules in a file of their own",
}


def _choice(part: str, tooltip: str, name: str | None = None) -> io.Input:
    options = [AUTO, *listed(KIND, known_files(part))]
    return io.Combo.Input(name or part, options=options, default=AUTO, tooltip=tooltip)


def _parts(model: str, others: dict[str, str]) -> dict[str, str]:
    return {MODEL: model, **{part: others[part] for part in CHOICES}}


class MagicPortraitModelLoader(io.ComfyNode):
    @classmethod
    def define_schema(cls) -> io.Schema:
        return node_schema(
            node_id="MagicPortraitModelLoader",
            display_name="Load MagicPortrait Model",
            search_aliases=["magicportrait", "portrait animation", "animatediff", "denoising unet"],
            description="Loads the video diffusion model. The MODEL goes to any sampler, LoRA or"
            " model patch; the reference goes to Face Motion Fusion.",
            inputs=[
                _choice(
                    MODEL,
                    "One file with all parts, or the denoising UNet. auto takes a combined file of"
                    f" models/{KIND}, else the official files there.",
                    "model",
                ),
                *(
                    _choice(part, f"The file of {what}; auto takes {OFFICIAL[part]}.")
                    for part, what in CHOICES.items()
                ),
                io.Combo.Input(
                    "dtype",
                    options=list(DTYPES),
                    default="auto",
                    tooltip="How weights are held; auto takes what suits this device. fp16 is"
                    " closer to the paper's than bf16.",
                ),
                io.Combo.Input(
                    "if_missing",
                    options=["explain", "download"],
                    default="explain",
                    tooltip="Where a file is missing: say what to do, or download it into the"
                    " first models folder where its licence allows.",
                ),
            ],
            outputs=[
                io.Model.Output(
                    "model_out", display_name="model", tooltip="For samplers, LoRAs and patches."
                ),
                ReferenceSocket.Output(
                    "reference", display_name="reference", tooltip="For Face Motion Fusion."
                ),
            ],
            hidden=[io.Hidden.unique_id],
        )

    @classmethod
    def validate_inputs(
        cls,
        model,
        reference_unet,
        guidance_encoder_depth,
        guidance_encoder_normal,
        guidance_encoder_render,
        motion_module,
    ) -> bool:
        """Names that are absent here are explained when it runs, with what to do."""
        return True

    @classmethod
    def fingerprint_inputs(cls, model, **others) -> str:
        return files_state(_parts(model, others))

    @classmethod
    def execute(cls, model, dtype, if_missing, **others) -> io.NodeOutput:
        progress = HostProgress()
        files = choose_files(_parts(model, others), if_missing == "download", progress)
        states, sources = {}, {}
        for number, part in enumerate(PARTS):
            progress("models", number, len(PARTS))
            states[part], sources[part] = read_part(files, part)
        with warnings_on_node(cls.hidden.unique_id) as said:
            used = weight_files(files, sources)
            said.append("Weights: " + ", ".join(str(one) for one in used))
            model = make_model(states[MODEL], MODEL, dtype)
            encoders = {kind: states[f"guidance_encoder_{kind}"] for kind in KINDS}
            reference = make_reference(states["reference_unet"], encoders, dtype)
        progress("models", len(PARTS), len(PARTS))
        return io.NodeOutput(model, reference)
