"""Tensors that official files hold and no output depends on: loaders drop them.

Found by taking gradients of the reference's outputs. The denoising UNet uses all of its own.
"""

from __future__ import annotations

import re
from collections.abc import Mapping

from torch import Tensor

#: module -> patterns of whole keys
UNUSED: dict[str, tuple[str, ...]] = {
    "denoising_unet": (),
    # The last bank is the output of the last transformer's norm1, and nothing comes after it.
    "reference_unet": (
        r"conv_(norm_)?out\.\w+",
        r"up_blocks\.3\.attentions\.2\.proj_out\.\w+",
        r"up_blocks\.3\.attentions\.2\.transformer_blocks\.0\.(attn1|attn2|norm2|norm3|ff)\..+",
    ),
    # Of six attentions and one more only attentions.5 is called.
    "guidance_encoder": (r"attentions\.[0-4]\..+", r"guidance_attention\..+"),
    "vae": (),
    # A count from 0 that old files carry; what a file of the whole CLIP holds beside.
    "text_encoder": (
        r"text_model\.embeddings\.position_ids",
        r"text_projection(\.weight)?",
        r"visual_projection\.weight",
        r"logit_scale",
        r"vision_model\..+",
    ),
}


def is_unused(module: str, key: str) -> bool:
    """Whether loaders of this module (a key of UNUSED) drop this tensor."""
    return any(re.fullmatch(pattern, key) for pattern in UNUSED[module])


def drop_unused(module: str, state: Mapping[str, Tensor]) -> dict[str, Tensor]:
    """The state dict without them."""
    return {key: tensor for key, tensor in state.items() if not is_unused(module, key)}
