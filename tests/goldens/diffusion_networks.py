"""golden_a, golden_b, golden_c*: guidance encoder, bank, denoising UNet and its modules' outputs.

Names say the case: golden_a of a normal or render encoder has that word in its file's name;
output.f16bank.t249 is time 249 with the bank rounded to float16, output_nocfg the conditional half
alone; golden_X_probes_f32bank_t999_Y takes the inputs of golden_X_denoising_unet_Y where that is,
else of golden_X_denoising_unet.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator

import torch
from safetensors.torch import load_file
from torch import Tensor, nn

from magicportrait_core.diffusion.backbone.transformer import SpatialTransformer
from magicportrait_core.diffusion.checkpoints.loading import State, check_state
from magicportrait_core.diffusion.clips.clip_layout import (
    clip_to_frames,
    frames_to_clip,
    predict_clip,
)
from magicportrait_core.diffusion.guidance_encoder import KINDS
from magicportrait_core.diffusion.layers.build import Build
from magicportrait_core.diffusion.layers.configs import UNetConfig
from magicportrait_core.diffusion.reference_unet import ReferenceUNet
from magicportrait_core.types import ReferenceCondition
from tests.goldens.registry import Family, GoldenFile, inputs_only
from tests.goldens.rows import Computed
from tests.tiny_networks import tiny_network

F16_LIMIT = 1e-4  #: a change of 1e-6 in the bank can turn its rounding over
BANKS = {"f32bank": torch.float32, "f16bank": torch.float16}


def probed(net: nn.Module, names: list[str], call: Callable[[], Tensor]) -> dict[str, Tensor]:
    """Outputs of the modules of these names during a call; the call's own is ""."""
    seen: dict[str, Tensor] = {}
    hooks = []
    for name in names:

        def keep(module, given, output, name=name):  # fmt: skip
            seen[name] = output

        hooks.append(net.get_submodule(name).register_forward_hook(keep))
    try:
        with torch.no_grad():
            seen[""] = call()
    finally:
        for hook in hooks:
            hook.remove()
    return seen


def probe_names(stored: dict[str, Tensor], prefix: str = "probe.") -> list[str]:
    """Modules named in "probe.MODULE", "probe.MODULE.stats" and "probe.MODULE.head"."""
    names = (re.sub(r"\.(stats|head)$", "", n.removeprefix(prefix)) for n in stored
             if n.startswith(prefix))  # fmt: skip
    return list(dict.fromkeys(names))


def as_halves(output: Tensor, halves: int = 2) -> Tensor:
    """A module's output as the reference lays it out: rows of time, or clips."""
    if output.ndim == 2:
        return output.expand(halves, -1) if len(output) == 1 else output
    return frames_to_clip(output, halves)


def complete_reference(state: State, config: UNetConfig) -> ReferenceUNet:
    """The reference UNet with the last transformer's unused layers, whose output goldens hold."""
    net = ReferenceUNet(config, device="meta")
    last = net.up_blocks[-1].attentions
    build = Build(device="meta", norm_groups=config.norm_groups, heads=config.heads)
    last[-1] = SpatialTransformer(
        build, config.block_out_channels[0], config.cross_attention_dim, last[-1].site
    )
    state = {k: v.float() for k, v in state.items() if not re.match(r"conv_(norm_)?out\.", k)}
    check_state(net, state, "the complete reference UNet")
    net.load_state_dict(state, assign=True)
    return net.eval().requires_grad_(False)


def beside(file: GoldenFile, *stems: str) -> dict[str, Tensor]:
    """The file's tensors, over those of the first file beside it that has one of these names."""
    plain = tuple(stem[stem.find("golden_") :] for stem in stems)  # without a prefix of its own
    paths = (file.folder / f"{stem}.safetensors" for stem in stems + plain)
    given = next((load_file(path) for path in paths if path.exists()), {})
    return {**given, **file.tensors}


def encoder(file: GoldenFile) -> Iterator[Computed]:
    kind = next((kind for kind in KINDS if kind in file.path.stem), "depth")
    net = tiny_network(file.folder, f"guidance_encoder_{kind}")
    condition = clip_to_frames(file.tensors["condition"])
    seen = probed(net, probe_names(file.tensors), lambda: net(condition))
    yield Computed("output", frames_to_clip(seen.pop("")))
    for name, output in seen.items():
        yield Computed(f"probe.{name}", frames_to_clip(output))


def bank(file: GoldenFile) -> Iterator[Computed]:
    """The bank of the product's network; the reference's return of the complete one."""
    latents, text = file.tensors["ref_latents"], file.tensors["text_embeds"]
    net = tiny_network(file.folder, "reference_unet")
    states = net(latents, text).states
    for name in file.tensors:
        if found := re.fullmatch(r"bank\.\d+\.(.+)", name):
            yield Computed(name, states[found[1]].expand(2, -1, -1))
    if "last_hidden" in file.tensors:
        state = load_file(file.folder / "tiny_reference_unet.safetensors")
        whole = complete_reference(state, net.config)
        seen = probed(whole, ["up_blocks.3"], lambda: whole(latents, text).states)
        yield Computed("last_hidden", seen["up_blocks.3"].expand(2, -1, -1, -1))


def denoiser(file: GoldenFile) -> Iterator[Computed]:
    for name in file.tensors:
        if found := re.fullmatch(r"output(_nocfg)?\.(f\d+bank)\.t(\d+)", name):
            with torch.no_grad():
                value = _predict(file, file.tensors, found[2], int(found[3]), not found[1])
            yield Computed(name, value, rel_limit=_limit(found[2]))


def probes(file: GoldenFile) -> Iterator[Computed]:
    before, kind, time, after = re.fullmatch(
        r"(.+)_probes_(f\d+bank)_t(\d+)(.*)", file.path.stem
    ).groups()
    inputs = beside(file, f"{before}_denoising_unet{after}", f"{before}_denoising_unet")
    net = tiny_network(file.folder, "denoising_unet")
    names = probe_names(file.tensors)
    seen = probed(net, names, lambda: _predict(file, inputs, kind, int(time), True))
    for name in names:
        yield Computed(f"probe.{name}", as_halves(seen[name]), rel_limit=_limit(kind))


def _predict(
    file: GoldenFile, inputs: dict[str, Tensor], kind: str, time: int, guided: bool
) -> Tensor:
    text = inputs["text_embeds"]
    seen: ReferenceCondition = tiny_network(file.folder, "reference_unet")(
        inputs["ref_latents"], text
    )
    seen = seen.to(dtype=BANKS[kind])
    unet = tiny_network(file.folder, "denoising_unet")
    return predict_clip(
        unet, inputs["latents"], time, text, inputs["guidance_fea"], seen, unconditional=guided
    )


def _limit(kind: str) -> float:
    return F16_LIMIT if kind == "f16bank" else 1e-5


INPUTS = ("latents", "ref_latents", "text_embeds", "guidance_fea")
#: networks whose weights lie beside the goldens
TINY = ("vae", "reference_unet", "denoising_unet", "guidance_encoder")
FAMILIES = (
    *(inputs_only(f"tiny_{name}*") for name in TINY),
    Family("golden_a_*.safetensors", encoder, ("condition",)),
    Family("golden_b_*.safetensors", bank, INPUTS),
    Family("golden_c_probes*.safetensors", probes, INPUTS),
    Family("golden_c_*_probes*.safetensors", probes, INPUTS),
    Family("golden_c_*.safetensors", denoiser, INPUTS),
)
