"""LoRAs of every common form, with a count of what fits, on the denoiser, the reference or both."""

from __future__ import annotations

import logging

import comfy.lora
import folder_paths
from comfy_api.latest import io

from ..magicportrait_core.diffusion.lora.lora import LoraFile, check_matched, read_lora
from ..magicportrait_core.errors import InputError
from .graphs.notes import show_note, warnings_on_node
from .schema import node_schema
from .sockets import ReferenceSocket
from .unet.model import is_face_model

TARGETS = ("denoiser", "reference", "both")
PREFIX = "diffusion_model."


class MagicPortraitLoraLoader(io.ComfyNode):
    @classmethod
    def define_schema(cls) -> io.Schema:
        return node_schema(
            node_id="MagicPortraitLoraLoader",
            display_name="Load MagicPortrait LoRA",
            search_aliases=["lora", "locon", "style", "motion lora", "peft"],
            description="Applies an SD1.5 LoRA, of kohya, LoCon, peft or diffusers, and says how"
            " much of it fits. A stock LoRA loader works on the model, too, for kohya's names.",
            inputs=[
                io.Model.Input("model", tooltip="From Load MagicPortrait Model."),
                ReferenceSocket.Input(
                    "reference",
                    optional=True,
                    tooltip="Where the LoRA is to change how the portrait is read, too.",
                ),
                io.Combo.Input(
                    "lora",
                    options=folder_paths.get_filename_list("loras"),
                    tooltip="A file of models/loras.",
                ),
                io.Float.Input(
                    "strength",
                    default=1.0,
                    min=-10.0,
                    max=10.0,
                    step=0.05,
                    tooltip="How much of it is added; 0 changes nothing.",
                ),
                io.Combo.Input(
                    "apply_to",
                    options=list(TARGETS),
                    default="denoiser",
                    tooltip="denoiser: what draws the frames; reference: what reads the portrait.",
                ),
            ],
            outputs=[
                io.Model.Output("model_out", display_name="model", tooltip="For the sampler."),
                ReferenceSocket.Output(
                    "reference_out", display_name="reference", tooltip="For Face Motion Fusion."
                ),
                io.String.Output(
                    "report", display_name="report", tooltip="How many layers fit, and which not."
                ),
            ],
            hidden=[io.Hidden.unique_id],
        )

    @classmethod
    def execute(cls, model, lora, strength, apply_to, reference=None) -> io.NodeOutput:
        if not is_face_model(model):
            raise InputError("this MODEL is not MagicPortrait's: use the stock LoRA loader for it.")
        if apply_to != "denoiser" and reference is None:
            raise InputError(
                f"apply_to is {apply_to}, but reference is not wired: wire Load MagicPortrait "
                "Model's reference output into it."
            )
        path = folder_paths.get_full_path_or_raise("loras", lora)
        wanted = {
            "denoiser": None if apply_to == "reference" else model,
            "reference": None if apply_to == "denoiser" else reference.unet,
        }
        with warnings_on_node(cls.hidden.unique_id):
            files = {on: read_for(patcher, path) for on, patcher in wanted.items() if patcher}
            check_matched(list(files.values()))
            if "denoiser" in files:
                model = with_lora(model, files["denoiser"], strength)
            if "reference" in files:
                unet = with_lora(reference.unet, files["reference"], strength)
                reference = reference.with_unet(unet)
        report = "\n".join(f"{on}: {file.summary()}" for on, file in files.items())
        show_note(report, cls.hidden.unique_id, logging.INFO)
        return io.NodeOutput(model, reference, report)


def read_for(patcher, path: str) -> LoraFile:
    """A LoRA file as it fits a ModelPatcher's network."""
    state = patcher.model.state_dict()
    return read_lora(path, {k.removeprefix(PREFIX): t for k, t in state.items() if PREFIX in k})


def with_lora(patcher, lora: LoraFile, strength: float):
    """A clone of a ModelPatcher with a LoRA on it; itself where that changes nothing."""
    if strength == 0 or not lora.layers:
        return patcher
    names = {PREFIX + key.removesuffix(".weight"): PREFIX + key for key in lora.matched}
    patched = patcher.clone()
    patched.add_patches(comfy.lora.load_lora(lora.comfy_state(), names), strength)
    return patched
