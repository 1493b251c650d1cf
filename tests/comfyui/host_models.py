"""Weights that a server can load, random and as small as the host allows."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from magicportrait_core.diffusion.tiny_models import make_tiny

#: run in the host's environment: TAESD as a VAE, CLIP ViT-L at its one size
_WRITE = """
import sys
sys.argv = ["main.py", "--cpu"]
import comfy.options; comfy.options.enable_args_parsing()
import json, torch
from pathlib import Path
import comfy.ops, comfy.clip_model, comfy.sd1_clip
from comfy.taesd.taesd import Encoder, Decoder
from safetensors.torch import save_file
models = Path({models!r})
torch.manual_seed(0)
for folder in ("vae_approx", "text_encoders"):
    (models / folder).mkdir(exist_ok=True)
for name, make in (("encoder", Encoder), ("decoder", Decoder)):
    state = {{}}
    for key, tensor in make().state_dict().items():
        spread = tensor[0].numel() ** -0.5 if tensor.ndim > 1 else 0.1
        state[key] = torch.randn(tensor.shape) * spread
    save_file(state, models / "vae_approx" / f"taesd_{{name}}.safetensors")
config = Path(comfy.sd1_clip.__file__).parent / "sd1_clip_config.json"
config = json.loads(config.read_text())
clip = comfy.clip_model.CLIPTextModel(config, torch.float16, "cpu", comfy.ops.disable_weight_init)
state = {{}}
for key, tensor in clip.state_dict().items():
    state[key] = (torch.randn(tensor.shape) * 0.02).half()
    if key.endswith("norm.weight") or ".layer_norm" in key and key.endswith("weight"):
        state[key] = torch.ones_like(state[key])
save_file(state, models / "text_encoders" / "clip_l.safetensors")
"""


def write_models(models: Path, run_in_comfyui: Callable[[str], str]) -> None:
    """MagicPortrait's own, VAE "taesd" and CLIP "clip_l.safetensors", in a models folder."""
    make_tiny(models)
    run_in_comfyui(_WRITE.format(models=str(models)))
