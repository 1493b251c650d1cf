"""State dicts into modules: what does not fit is named."""

import pytest
import torch

from magicportrait_core.diffusion.checkpoints.loading import (
    build_module,
    load_into,
    merge_states,
    strict_state,
)
from magicportrait_core.diffusion.checkpoints.manifests import look
from magicportrait_core.diffusion.checkpoints.official_shapes import guidance_shapes
from magicportrait_core.diffusion.checkpoints.tiny_models import GUIDANCE
from magicportrait_core.diffusion.unet import DenoisingUNet
from magicportrait_core.errors import InputError
from magicportrait_core.weights.state_files import unwrap


@pytest.fixture
def state(unet):
    return dict(unet.state_dict())


def load(config, state, **more):
    net = DenoisingUNet(config, device="meta")
    return load_into(net, "denoising_unet", state, "denoising_unet.pth", **more)


def test_weights_arrive_without_copies(config, unet, state):
    net = load(config, state)
    for key, tensor in net.state_dict().items():
        assert tensor.data_ptr() == state[key].data_ptr()
    assert not net.training
    assert not any(p.requires_grad for p in net.parameters())


def test_dtype(config, state):
    net = load(config, state, dtype=torch.float16)
    assert {t.dtype for t in net.state_dict().values()} == {torch.float16}
    assert {t.dtype for t in state.values()} == {torch.float32}


def test_positions_may_be_absent(config, unet, state):
    for key in [key for key in state if key.endswith(".pe")]:
        del state[key]
    net = load(config, state)
    for key, tensor in net.state_dict().items():
        torch.testing.assert_close(tensor, unet.state_dict()[key])


def test_positions_of_the_file_count(config, state):
    key = next(key for key in state if key.endswith(".pe"))
    state[key] = torch.full_like(state[key], 7.0)
    assert load(config, state).state_dict()[key].unique().item() == 7


def test_missing_unexpected_and_shapes_are_named(config, state):
    del state["conv_in.bias"]
    state["conv_in.extra"] = torch.zeros(1)
    state["conv_out.bias"] = torch.zeros(5)
    with pytest.raises(InputError) as caught:
        load(config, state)
    text = str(caught.value)
    assert text.startswith("denoising_unet.pth does not fit its network")
    assert "1 missing: conv_in.bias" in text
    assert "1 unexpected: conv_in.extra" in text
    assert "1 of another shape: conv_out.bias is (5,), not (4,)" in text


def test_long_lists_are_cut(config, state):
    state = {key: tensor for key, tensor in state.items() if "motion_modules" not in key}
    with pytest.raises(InputError, match=r"\d+ missing: .* and \d+ more"):
        load(config, state)


def test_the_wrong_file_is_named():
    with pytest.raises(InputError, match=r"vae\.pth: these are not the weights"):
        build_module("vae", {"conv_in.weight": torch.zeros(1)}, "vae.pth")


def test_unused_tensors_are_dropped(reference_unet, config):
    state = dict(reference_unet.state_dict())
    state["conv_out.weight"] = torch.zeros(3)
    state["up_blocks.3.attentions.2.proj_out.weight"] = torch.zeros(3)
    state["up_blocks.3.attentions.2.transformer_blocks.0.ff.net.2.bias"] = torch.zeros(3)
    net = type(reference_unet)(config, device="meta")
    load_into(net, "reference_unet", state, "reference_unet.pth")
    state["up_blocks.3.attentions.1.proj_out.other"] = torch.zeros(3)
    with pytest.raises(InputError, match=r"1 unexpected: \S+attentions\.1\.proj_out\.other"):
        load_into(net, "reference_unet", state, "reference_unet.pth")


def test_parts_make_a_whole(config, unet, state):
    """SD1.5's file, the motion file over it, the denoiser's over both."""
    base = {k: 0 * t for k, t in state.items() if "motion_modules" not in k}
    motion = {k: t for k, t in state.items() if "motion_modules" in k}
    trained = {f"module.{k}": state[k] for k in base}
    parts = [("sd15", base), ("motion", {"state_dict": motion}), ("trained", trained)]
    merged, counts = merge_states(parts)
    assert counts == {"sd15": 0, "motion": len(motion), "trained": len(base)}
    net = load(config, merged)
    for key, tensor in net.state_dict().items():
        assert tensor.equal(unet.state_dict()[key])
    with pytest.raises(InputError, match="missing"):
        load(config, merge_states(parts[:1])[0])


@pytest.mark.parametrize(
    "wrap",
    [
        lambda s: {"state_dict": s, "epoch": 3},
        lambda s: {"model_state_dict": s},
        lambda s: {f"module.{k}": t for k, t in s.items()},
        lambda s: {"state_dict": {f"module.{k}": t for k, t in s.items()}},
    ],
)
def test_wrappers_come_off(wrap):
    inner = {"a.weight": torch.zeros(1), "b.weight": torch.ones(1)}
    assert unwrap(wrap(inner)).keys() == inner.keys()


def test_nothing_else_is_unwrapped():
    mixed = {"module.a": torch.zeros(1), "b": torch.zeros(1)}
    assert unwrap(mixed).keys() == mixed.keys()


@pytest.mark.parametrize("shape", [(), (5,), (0, 4), (5, 7), (1, 2, 3, 4, 5)])
@pytest.mark.parametrize("key", ["conv_in.weight", "conv_out.weight", "blocks.0.weight"])
def test_sizes_that_no_network_has(key, shape):
    shapes = guidance_shapes(GUIDANCE) | {key: shape}
    state = {name: torch.empty(shape, device="meta") for name, shape in shapes.items()}
    with pytest.raises(InputError, match=r"^odd"):
        strict_state("guidance_encoder", state, "odd")
    assert look(state).faults
