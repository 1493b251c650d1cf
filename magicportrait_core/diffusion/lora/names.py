"""The names under which files of LoRAs know the layers of Stable Diffusion 1.5 and AnimateDiff.

Trainers write a layer's name whole or with underscores for dots, as diffusers, as the original
code (LDM) or, for motion modules, as AnimateDiff calls it, behind prefixes of their own.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Iterator

_PREFIXES = (
    "lora_unet_",
    "lycoris_",
    "unet.",
    "base_model.model.",
    "model.diffusion_model.",
    "diffusion_model.",
    "module.",
)
_TEXT = re.compile(r"lora_te\d?_|text_encoder|text_model[._]|cond_stage_model[._]|te\d?_text_model")
_WEIGHT = ".weight"
_LAYER = re.compile(r"(down|up)_blocks\.(\d+)\.(resnets|attentions)\.(\d+)\.(.+)")

#: layers of a resnet: here -> in the original code
_RESNET = {
    "norm1": "in_layers.0",
    "conv1": "in_layers.2",
    "time_emb_proj": "emb_layers.1",
    "norm2": "out_layers.0",
    "conv2": "out_layers.3",
    "conv_shortcut": "skip_connection",
}
#: layers that stand alone: here -> in the original code
_SINGLE = {
    "conv_in": "input_blocks.0.0",
    "time_embedding.linear_1": "time_embed.0",
    "time_embedding.linear_2": "time_embed.2",
    "conv_norm_out": "out.0",
    "conv_out": "out.2",
}
#: within a motion module: pattern here -> name in diffusers
_MOTION = (
    (r"\.temporal_transformer\.", "."),
    (r"\.attention_blocks\.0\.", ".attn1."),
    (r"\.attention_blocks\.1\.", ".attn2."),
    (r"\.norms\.0$", ".norm1"),
    (r"\.norms\.1$", ".norm2"),
    (r"\.ff_norm$", ".norm3"),
)


class LayerNames:
    """Finds a network's weight by the name that a file gives its layer."""

    def __init__(self, keys: Collection[str]) -> None:
        """keys: of the network's state dict."""
        layers = [key.removesuffix(_WEIGHT) for key in keys if key.endswith(_WEIGHT)]
        count = len({n for n in layers if re.fullmatch(r"down_blocks\.0\.resnets\.\d+\.conv1", n)})
        self._keys = {_flat(layer): layer + _WEIGHT for layer in layers}
        for layer in layers:
            for other in _other_names(layer, count, layers):
                self._keys.setdefault(_flat(other), layer + _WEIGHT)

    def find(self, name: str) -> str | None:
        """The key of the weight, "down_blocks.0....to_q.weight", or None where there is none."""
        flat = _flat(_bare(name).replace(".processor.", "."))
        if flat.endswith("to_out"):  # the list that it is in has one entry
            flat += "_0"
        return self._keys.get(flat)


def is_text_encoder(name: str) -> bool:
    """Whether a layer of this name belongs to a text encoder."""
    return _TEXT.match(_bare(name)) is not None


def _bare(name: str) -> str:
    """Without prefixes, of which a file may have several."""
    while found := next((p for p in _PREFIXES if name.startswith(p)), None):
        name = name.removeprefix(found)
    return name


def _flat(name: str) -> str:
    return name.replace(".", "_")


def _other_names(layer: str, count: int, layers: Collection[str]) -> Iterator[str]:
    """What others call a layer. count: layers of a down block."""
    if ".motion_modules." in layer:
        for pattern, name in _MOTION:
            layer = re.sub(pattern, name, layer)
        yield layer
    elif layer in _SINGLE:
        yield _SINGLE[layer]
    elif found := _LAYER.fullmatch(layer):
        side, block, kind, number, rest = found.groups()
        place = (count + 1) * int(block) + int(number) + (side == "down")
        blocks = "input_blocks" if side == "down" else "output_blocks"
        yield f"{blocks}.{place}.{_inside(kind, rest)}"
    elif found := re.fullmatch(r"mid_block\.(resnets|attentions)\.(\d)\.(.+)", layer):
        place = 2 * int(found[2]) if found[1] == "resnets" else 1
        yield f"middle_block.{place}.{_inside(found[1], found[3]).partition('.')[2]}"
    elif found := re.fullmatch(r"down_blocks\.(\d+)\.downsamplers\.0\.conv", layer):
        yield f"input_blocks.{(count + 1) * (int(found[1]) + 1)}.0.op"
    elif found := re.fullmatch(r"up_blocks\.(\d+)\.upsamplers\.0\.conv", layer):
        attentions = any(name.startswith(f"up_blocks.{found[1]}.attentions.") for name in layers)
        yield f"output_blocks.{(count + 1) * int(found[1]) + count}.{1 + attentions}.conv"


def _inside(kind: str, rest: str) -> str:
    """Place and name within a block of the original code."""
    return f"0.{_RESNET.get(rest, rest)}" if kind == "resnets" else f"1.{rest}"
