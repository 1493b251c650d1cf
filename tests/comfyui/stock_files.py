"""Small random files of the stock models that the workflows name, written by ComfyUI's own classes.

python stock_files.py MODELS_FOLDER, from ComfyUI's folder, in ComfyUI's environment. The pictures
they make are noise; that a graph runs through them is what is tested.
"""

from __future__ import annotations

import sys
from collections.abc import Mapping
from pathlib import Path

MODELS = Path(sys.argv.pop() if __name__ == "__main__" else ".")
sys.argv.append("--cpu")
sys.path.insert(0, ".")

import comfy.options  # noqa: E402

comfy.options.enable_args_parsing()

import comfy.cldm.cldm as cldm  # noqa: E402
import comfy.ldm.modules.diffusionmodules.openaimodel as openaimodel  # noqa: E402
import comfy.ops  # noqa: E402
import comfy.sd1_clip  # noqa: E402
import comfy.taesd.taesd as taesd  # noqa: E402
import torch  # noqa: E402
from safetensors.torch import save_file  # noqa: E402
from torch import Tensor, nn  # noqa: E402

#: Stable Diffusion 1.5 with three levels of one block: what the host recognises it by is kept
UNET = {
    "image_size": 32, "in_channels": 4, "model_channels": 320, "num_res_blocks": [1, 1, 1],
    "channel_mult": [1, 1, 1], "num_heads": 8, "context_dim": 768,
    "use_spatial_transformer": True, "transformer_depth_middle": 1, "dtype": torch.float16,
    "operations": comfy.ops.disable_weight_init,
}  # fmt: skip


def filled(shapes: Mapping[str, Tensor], seed: int) -> dict[str, Tensor]:
    """Random halves: matrices keep the size of what they multiply, norms are the identity."""
    generator = torch.Generator().manual_seed(seed)
    state = {}
    for key, tensor in shapes.items():
        if not tensor.is_floating_point():
            state[key] = tensor
        elif tensor.ndim == 0:
            state[key] = tensor.half()
        elif tensor.ndim == 1:
            value = 1.0 if key.endswith("weight") and "norm" in key else 0.0
            state[key] = torch.full(tensor.shape, value, dtype=torch.float16)
        else:
            fan = tensor[0].numel()
            state[key] = (torch.randn(tensor.shape, generator=generator) / fan**0.5).half()
    return state


def unet() -> dict[str, Tensor]:
    depth = {"transformer_depth": [1, 1, 1], "transformer_depth_output": [1] * 6}
    return filled(openaimodel.UNetModel(out_channels=4, **UNET, **depth).state_dict(), 1)


def control_net() -> dict[str, Tensor]:
    net = cldm.ControlNet(hint_channels=3, transformer_depth=[1, 1, 1], **UNET)
    return filled(net.state_dict(), 2)


def text_encoder() -> dict[str, Tensor]:
    """CLIP-L, as it is."""
    clip = comfy.sd1_clip.SDClipModel(device="cpu", dtype=torch.float16)
    state = clip.transformer.state_dict()
    return {k: v for k, v in filled(state, 3).items() if "text_projection" not in k}


def codec() -> dict[str, Tensor]:
    """Of the tiny kind, which the host takes in every place of a VAE."""
    return filled(taesd.TAESD().state_dict(), 4)


def upscaler() -> dict[str, Tensor]:
    """Of the compact kind, twice as large."""
    body = [nn.Conv2d(3, 8, 3), nn.PReLU(8), nn.Conv2d(8, 8, 3), nn.PReLU(8), nn.Conv2d(8, 12, 3)]
    state = {f"body.{k}": v for k, v in nn.Sequential(*body).state_dict().items()}
    return filled(state, 5)


def write(models: Path) -> None:
    def save(name: str, state: dict[str, Tensor]) -> None:
        path = models / name
        path.parent.mkdir(parents=True, exist_ok=True)
        save_file({key: tensor.contiguous() for key, tensor in state.items()}, path)

    text, vae = text_encoder(), codec()
    save("text_encoders/clip_l.safetensors", text)
    save("vae/vae-ft-mse-840000-ema-pruned.safetensors", vae)
    for half in ("encoder", "decoder"):
        head = f"taesd_{half}."
        part = {key.removeprefix(head): vae[key] for key in vae if key.startswith(head)}
        save(f"vae_approx/taesd_{half}.safetensors", part)
    save("upscale_models/RealESRGAN_x2.safetensors", upscaler())
    save("controlnet/control_v11f1p_sd15_depth_fp16.safetensors", control_net())
    parts = {
        "model.diffusion_model.": unet(),
        "cond_stage_model.transformer.": text,
        "first_stage_model.": vae,
    }
    checkpoint = {p + key: value for p, state in parts.items() for key, value in state.items()}
    save("checkpoints/v1-5-pruned-emaonly-fp16.safetensors", checkpoint)


if __name__ == "__main__":
    write(MODELS)
