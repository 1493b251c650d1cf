"""The denoising UNet as a MODEL: what any sampler, LoRA, ControlNet or patch of the host takes."""

from __future__ import annotations

from collections.abc import Mapping
from functools import partial
from typing import ClassVar

import comfy.latent_formats
import comfy.model_base
import comfy.model_patcher
import comfy.patcher_extension
import comfy.supported_models_base
from comfy import model_management
from torch import Tensor

from ...magicportrait_core.diffusion.backbone.skips import Residuals
from ...magicportrait_core.diffusion.context_windows import PRESETS
from ...magicportrait_core.diffusion.schedule import BETA_END, BETA_START
from ...magicportrait_core.errors import InputError
from .conds import KEY, CondFace, Told, chunk_conditions
from .host_module import choose_precision, config_of, host_attention, host_module
from .patches import hooks_of
from .run_checks import NOT_CONNECTED, watch_runs
from .windows import set_windows

Wrappers = comfy.patcher_extension.WrappersMP


class FaceModelConfig(comfy.supported_models_base.BASE):
    """What the host asks of a model's configuration."""

    unet_extra_config: ClassVar = {}
    latent_format = comfy.latent_formats.SD15
    memory_usage_factor = 1.0
    # the host's "sqrt_linear" is linear in the betas
    sampling_settings: ClassVar = {
        "beta_schedule": "sqrt_linear",
        "linear_start": BETA_START,
        "linear_end": BETA_END,
        "zsnr": True,
    }


class FaceModel(comfy.model_base.BaseModel):
    """Denoises the frames of one window, each chunk of the batch told its own condition."""

    def extra_conds(self, **given):
        conds = super().extra_conds(**given)
        face = given.get(KEY)
        if face is None:
            raise InputError(NOT_CONNECTED)
        if face.reference is not None:  # once a run, not once a step
            here = face.reference.to(given["device"], self._computed())
            face = type(face)(face.guidance, here, face.size)
        text = given.get("cross_attn")
        conds[KEY] = CondFace(Told(face, one_text=text is None or len(text) == 1))
        return conds

    def _apply_model(
        self, x, t, c_concat=None, c_crossattn=None, control=None, transformer_options=None, **given
    ):
        told = given.get(KEY)
        if not told:
            raise InputError(NOT_CONNECTED)
        scaled = self.model_sampling.calculate_input(t, x).to(self._computed())
        times = self.model_sampling.timestep(t).float()
        wrapped = comfy.patcher_extension.WrapperExecutor.new_class_executor(
            partial(self._predict, told=told),
            self.diffusion_model,
            comfy.patcher_extension.get_all_wrappers(Wrappers.DIFFUSION_MODEL, transformer_options),
        )
        v = wrapped.execute(scaled, times, c_crossattn, None, control, transformer_options)
        return self.model_sampling.calculate_denoised(t, v.float(), x)

    def _predict(
        self, x: Tensor, times: Tensor, context: Tensor, y, control, transformer_options, *, told
    ) -> Tensor:
        options = transformer_options
        frames = len(x) // len(told)
        window = options.get("context_window")
        indices = None if window is None else window.index_list
        options["original_shape"] = list(x.shape)
        if window is not None:  # AnimateDiff's way of telling patches which frames these are
            options["ad_params"] = {
                "sub_idxs": indices, "full_length": window.total_frames, "context_length": frames,
            }  # fmt: skip
        text = context.to(x)
        if all(one.one_text for one in told):
            text = text[::frames]
        residuals = None
        if control:
            middle = [*control.get("middle", ()), None]
            residuals = Residuals(control.get("output", ()), middle[0])
        return self.diffusion_model(
            x,
            times[::frames],
            text,
            chunk_conditions(told, indices, x.device, x.dtype),
            residuals=residuals,
            hooks=hooks_of(options, control),
            attention=partial(host_attention, transformer_options=options),
        )

    def _computed(self):
        return self.manual_cast_dtype or self.get_dtype()


def make_model(
    state: Mapping[str, Tensor], name: str, dtype: str = "auto"
) -> comfy.model_patcher.ModelPatcher:
    """The MODEL with these weights, with the smooth windows.

    name: of the weights, for errors. Raises InputError where they are not the denoising UNet's.
    """
    precision = choose_precision(dtype, state)
    network = config_of("denoising_unet", state)
    config = FaceModelConfig(
        {
            "model_channels": network.block_out_channels[0],
            "in_channels": network.in_channels,
            "out_channels": network.out_channels,
            "context_dim": network.cross_attention_dim,
            "dtype": precision.weights,
        }
    )
    config.manual_cast_dtype = precision.cast
    offload = model_management.unet_offload_device()
    model = FaceModel(
        config,
        comfy.model_base.ModelType.V_PREDICTION,
        offload,
        unet_model=lambda **_: host_module("denoising_unet", state, name, precision),
    )
    patcher = comfy.model_patcher.ModelPatcher(
        model.to(offload), model_management.get_torch_device(), offload
    )
    watch_runs(patcher)
    set_windows(patcher, PRESETS["smooth"])
    return patcher


def is_face_model(model: object) -> bool:
    """Whether a MODEL is ours."""
    return isinstance(getattr(model, "model", None), FaceModel)
