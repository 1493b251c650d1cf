"""The tensors that official files hold: those the networks use, and those they do not."""

from __future__ import annotations

from ..backbone.transformer import SpatialTransformer
from ..guidance_encoder import GuidanceEncoder
from ..layers.build import Build
from ..layers.configs import GuidanceConfig, TextConfig, UNetConfig, VAEConfig
from ..reference_unet import ReferenceUNet
from ..text_encoder import TextEncoder
from ..unet import DenoisingUNet
from ..vae import VAE

Shapes = dict[str, tuple[int, ...]]

_LAST = "up_blocks.3.attentions.2."  #: of it the reference UNet uses the beginning
_MOTION = ".motion_modules."


def is_motion(key: str) -> bool:
    """Whether a tensor of the denoising UNet belongs to its motion modules."""
    return _MOTION in key


def denoising_shapes(config: UNetConfig) -> Shapes:
    """denoising_unet.pth and the motion file together."""
    return _shapes_of(DenoisingUNet(config, device="meta"))


def base_shapes(config: UNetConfig) -> Shapes:
    """Stable Diffusion 1.5's own UNet."""
    return {k: shape for k, shape in denoising_shapes(config).items() if not is_motion(k)}


def reference_shapes(config: UNetConfig) -> Shapes:
    """reference_unet.pth: all of the base but the output layers."""
    used = _shapes_of(ReferenceUNet(config, device="meta"))
    beside = "up_blocks.3.attentions.1."
    last = {k.replace(beside, _LAST): s for k, s in used.items() if k.startswith(beside)}
    return used | last


def guidance_shapes(config: GuidanceConfig) -> Shapes:
    """guidance_encoder_*.pth: a transformer after every convolution and one more, one is used."""
    shapes = _shapes_of(GuidanceEncoder(config, device="meta"))
    wide = [shapes[f"blocks.{n}.weight"][0] for n in range(2 * len(config.block_out_channels) - 2)]
    build = Build(device="meta", norm_groups=1, heads=config.heads)
    names = {f"attentions.{n}.": channels for n, channels in enumerate(wide)}
    for name, channels in (names | {"guidance_attention.": wide[-1]}).items():
        parts = _shapes_of(SpatialTransformer(build, channels, text_channels=None))
        shapes |= {name + key: shape for key, shape in parts.items()}
    return shapes


def vae_shapes(config: VAEConfig) -> Shapes:
    """sd-vae-ft-mse, as diffusers names it now."""
    return _shapes_of(VAE(config, device="meta"))


def text_shapes(config: TextConfig) -> Shapes:
    """CLIP's text encoder."""
    return _shapes_of(TextEncoder(config, device="meta"))


def _shapes_of(module) -> Shapes:
    return {key: tuple(tensor.shape) for key, tensor in module.state_dict().items()}
