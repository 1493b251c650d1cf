"""Full-size networks have the official files' keys and shapes, less what nothing depends on."""

import json
from dataclasses import replace

import pytest

from magicportrait_core.diffusion.checkpoints.loading import MODULES
from magicportrait_core.diffusion.checkpoints.unused import UNUSED, is_unused
from magicportrait_core.diffusion.layers.configs import GuidanceConfig, UNetConfig, VAEConfig
from magicportrait_core.errors import InputError

#: kind -> (manifest, tensors in the file, tensors built)
MANIFESTS = {
    "denoising_unet": ("manifest_denoising_unet", 1274, 1274),
    "reference_unet": ("manifest_reference_unet", 682, 662),
    "guidance_encoder": ("manifest_guidance_encoder", 149, 35),
    "vae": ("manifest_vae_expected", 248, 248),
}


def manifest(goldens, name: str) -> dict[str, tuple[int, ...]]:
    content = json.loads((goldens / "diffusion" / f"{name}.json").read_text())
    return {key: tuple(shape) for key, shape in content.items()}


@pytest.mark.parametrize("kind", MANIFESTS)
def test_full_size_is_the_manifest(goldens, kind):
    name, stored, built = MANIFESTS[kind]
    shapes = manifest(goldens, name)
    config_class, module_class = MODULES[kind]
    net = module_class(device="meta")
    wanted = {key: shape for key, shape in shapes.items() if not is_unused(kind, key)}
    assert (len(shapes), len(wanted)) == (stored, built)
    assert {key: tuple(t.shape) for key, t in net.state_dict().items()} == wanted
    assert config_class.of(shapes) == config_class() == net.config


def test_motion_modules_are_the_manifest(goldens):
    shapes = manifest(goldens, "manifest_motion_module")
    net = MODULES["denoising_unet"][1](device="meta")
    motion = {k: tuple(t.shape) for k, t in net.state_dict().items() if "motion_modules." in k}
    assert motion == shapes


def test_unused_is_what_gradients_found(goldens):
    found = json.loads((goldens / "diffusion" / "unused_weights.json").read_text())
    for kind, keys in found.items():
        everything = manifest(goldens, MANIFESTS[kind][0])
        assert {key for key in everything if is_unused(kind, key)} == set(keys)
    assert set(found) < set(UNUSED)


def test_clip_counts_are_dropped(goldens):
    assert is_unused("text_encoder", "text_model.embeddings.position_ids")
    for key in manifest(goldens, "manifest_clip_text_expected"):
        assert not is_unused("text_encoder", key)


@pytest.mark.parametrize(
    "config",
    [
        UNetConfig((16, 16, 32, 32), cross_attention_dim=12, max_frames=9),
        UNetConfig((32, 64), layers_per_block=1, in_channels=9, out_channels=8),
        GuidanceConfig((8, 16, 32), embedding_channels=24, in_channels=4),
        VAEConfig((32, 64), layers_per_block=3, latent_channels=8),
    ],
)
def test_sizes_are_read_back(config):
    kind = {UNetConfig: "denoising_unet", GuidanceConfig: "guidance_encoder", VAEConfig: "vae"}
    config = replace(config, norm_groups=8)
    net = MODULES[kind[type(config)]][1](config, device="meta")
    shapes = {key: tuple(tensor.shape) for key, tensor in net.state_dict().items()}
    assert replace(type(config).of(shapes), norm_groups=8) == config


@pytest.mark.parametrize("config_class", [UNetConfig, GuidanceConfig, VAEConfig])
def test_other_weights_are_refused(config_class):
    with pytest.raises(InputError, match="missing"):
        config_class.of({"something.weight": (3, 3)})
