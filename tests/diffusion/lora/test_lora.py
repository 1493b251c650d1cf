"""What a LoRA does to a network. The forms of file are tested in test_lora_formats."""

import copy

import pytest
import torch

from magicportrait_core.diffusion.lora.lora import check_matched, merge_loras, read_lora
from magicportrait_core.errors import InputError

ATTENTION = "down_blocks.0.attentions.0.transformer_blocks.0.attn1.to_q"
MOTION = (
    "down_blocks.0.motion_modules.0.temporal_transformer.transformer_blocks.0.attention_blocks.0"
    ".to_q"
)


@pytest.fixture
def lora(unet, draw):
    """A LoRA of some layers: their names, rank, alpha."""

    def make(*layers, rank=2, alpha=None, name="style"):
        state = {}
        for layer in layers:
            out, into = unet.state_dict()[f"{layer}.weight"].shape
            state[f"{layer}.lora_up.weight"] = draw(out, rank)
            state[f"{layer}.lora_down.weight"] = draw(rank, into)
            if alpha is not None:
                state[f"{layer}.alpha"] = torch.tensor(float(alpha))
        return read_lora(state, unet.state_dict(), name)

    return make


def test_two_add(unet, lora):
    first, second = lora(ATTENTION), lora(ATTENTION, rank=4, alpha=1)
    key = f"{ATTENTION}.weight"
    net = copy.deepcopy(unet)
    report = merge_loras(net, [(first, 0.5), (second, -2)])
    deltas = 0.5 * first.layers[key].delta() - 2 * second.layers[key].delta()
    torch.testing.assert_close(net.state_dict()[key], unet.state_dict()[key] + deltas)
    assert report.changed == 1
    assert str(report).splitlines() == [
        "style: 1 layers matched, 0 unmatched. Strength 0.5.",
        "style: 1 layers matched, 0 unmatched. Strength -2.",
    ]


def test_strength_0_changes_no_bit(unet, lora):
    net = copy.deepcopy(unet).half()
    before = copy.deepcopy(net.state_dict())
    assert merge_loras(net, [(lora(ATTENTION, MOTION), 0.0)]).changed == 0
    assert all(torch.equal(value, before[key]) for key, value in net.state_dict().items())


def test_the_sum_is_rounded_once(unet, lora):
    """In bfloat16 many small changes would be lost one by one."""
    net = copy.deepcopy(unet).bfloat16()
    key = f"{ATTENTION}.weight"
    before = net.state_dict()[key].float()
    small = lora(ATTENTION)
    merge_loras(net, [(small, 1e-3)] * 16)
    want = (before + 16e-3 * small.layers[key].delta()).bfloat16()
    assert net.state_dict()[key].dtype == torch.bfloat16
    torch.testing.assert_close(net.state_dict()[key], want, atol=0, rtol=1e-2)
    assert not torch.equal(net.state_dict()[key], before.bfloat16())


def test_weights_that_a_network_was_loaded_from_stay(unet, lora):
    state = {key: value.clone() for key, value in unet.state_dict().items()}
    net = copy.deepcopy(unet)
    net.load_state_dict(state, assign=True)
    kept = state[f"{ATTENTION}.weight"].clone()
    parameter = net.get_parameter(f"{ATTENTION}.weight")
    merge_loras(net, [(lora(ATTENTION), 1.0)])
    assert torch.equal(state[f"{ATTENTION}.weight"], kept)
    assert net.get_parameter(f"{ATTENTION}.weight") is parameter
    assert not torch.equal(parameter, kept)


def test_a_reference_takes_what_it_has(unet, reference_unet, draw):
    state = {}
    for layer in (ATTENTION, MOTION):
        state[f"unet.{layer}.lora_A.weight"] = draw(2, 16)
        state[f"unet.{layer}.lora_B.weight"] = draw(16, 2)
    state["text_encoder.text_model.encoder.layers.0.mlp.fc1.lora_A.weight"] = draw(2, 3)
    state["text_encoder.text_model.encoder.layers.0.mlp.fc1.lora_B.weight"] = draw(3, 2)
    state["bundle_emb.style"] = draw(3)
    denoiser = read_lora(state, unet.state_dict(), "both")
    assert denoiser.matched == (f"{ATTENTION}.weight", f"{MOTION}.weight")
    assert denoiser.unmatched == ("bundle_emb.style",)
    assert denoiser.summary() == (
        "both: 2 layers matched, 1 unmatched (bundle_emb.style), 1 for a text encoder, not used "
        "here."
    )
    reference = read_lora(state, reference_unet.state_dict(), "both")
    assert reference.matched == (f"{ATTENTION}.weight",)
    assert reference.unmatched == ("bundle_emb.style", f"unet.{MOTION}")
    net = copy.deepcopy(reference_unet)
    merge_loras(net, [(reference, 1.0)])
    before = reference_unet.state_dict()
    changed = [k for k, value in net.state_dict().items() if not torch.equal(value, before[k])]
    assert changed == list(reference.matched)
    with pytest.raises(InputError, match="read for another network"):
        merge_loras(net, [(denoiser, 1.0)])


def test_nothing_is_changed_where_one_does_not_fit(unet, lora, draw):
    wrong = read_lora(
        {f"{MOTION}.lora_A.weight": draw(2, 5), f"{MOTION}.lora_B.weight": draw(16, 2)},
        list(unet.state_dict()),
    )
    net = copy.deepcopy(unet)
    with pytest.raises(InputError, match="made for another network"):
        merge_loras(net, [(lora(ATTENTION), 1.0), (wrong, 1.0)])
    assert all(torch.equal(v, unet.state_dict()[k]) for k, v in net.state_dict().items())


@pytest.mark.parametrize("strength", [float("nan"), float("inf"), 101])
def test_strength_is_a_sane_number(unet, lora, strength):
    with pytest.raises(InputError, match="strength of style"):
        merge_loras(copy.deepcopy(unet), [(lora(ATTENTION), strength)])


def test_a_file_must_fit_something(unet, lora, draw):
    foreign = {
        "lora_unet_double_blocks_0_img_mod_lin.lora_up.weight": draw(4, 2),
        "lora_unet_double_blocks_0_img_mod_lin.lora_down.weight": draw(2, 4),
    }
    text = {
        "lora_te_text_model_encoder_layers_0_mlp_fc1.lora_up.weight": draw(4, 2),
        "lora_te_text_model_encoder_layers_0_mlp_fc1.lora_down.weight": draw(2, 4),
    }
    nothing = read_lora(foreign, unet.state_dict(), "flux")
    with pytest.raises(InputError, match="flux fits nothing here: no layer of it is known"):
        check_matched([nothing, nothing])
    with pytest.raises(InputError, match="changes only a text encoder"):
        check_matched([read_lora(text, unet.state_dict(), "words")])
    check_matched([nothing, lora(ATTENTION)])


def test_comfy_state_is_the_same_lora(unet, lora):
    """Its keys are the model's own names; read again they give the same layers."""
    file = lora(ATTENTION, MOTION, rank=3, alpha=2)
    state = file.comfy_state()
    assert f"diffusion_model.{ATTENTION}.lora_up.weight" in state
    assert f"diffusion_model.{MOTION}.alpha" in state
    again = read_lora(state, unet.state_dict())
    assert again.matched == file.matched
    for key, layer in file.layers.items():
        assert torch.equal(again.layers[key].delta(), layer.delta())
