"""Every form of file equals a merge by hand; bad files are answered in one sentence."""

import json

import pytest
import torch
from safetensors.torch import save_file

from magicportrait_core.diffusion.lora.lora import merge_loras, read_lora
from magicportrait_core.diffusion.unet import DenoisingUNet
from magicportrait_core.errors import InputError

QUERY = "down_blocks.0.attentions.0.transformer_blocks.0.attn1.to_q"
OUTPUT = "mid_block.attentions.0.transformer_blocks.0.attn2.to_out.0"
CONV = "down_blocks.1.resnets.0.conv1"  # (32, 16) in and out here
SMALL = "down_blocks.0.attentions.0.proj_in"  # a 1x1 convolution
MOTION = (
    "down_blocks.0.motion_modules.0.temporal_transformer.transformer_blocks.0.attention_blocks.0"
    ".to_q"
)
RANK = 3
STRENGTH = 0.7


def kohya(layer):
    return f"lora_unet_{layer.replace('.', '_')}"


def old(layer):
    head, _, last = layer.removesuffix(".0").rpartition(".")
    return f"{head}.processor.{last}_lora"


def pair(config, layer, draw, kernel=()):
    """up, down of the layer's size."""
    shape = dict(DenoisingUNet(config, device="meta").named_parameters())[f"{layer}.weight"].shape
    ones = (1,) * len(kernel)
    return draw(shape[0], RANK, *ones), draw(RANK, shape[1], *kernel)


@pytest.fixture
def merged(config):
    """What a state dict, read and merged, adds to each weight that it changes."""

    def add(source, strength=STRENGTH):
        torch.manual_seed(3)
        unet = DenoisingUNet(config)
        before = {key: value.clone() for key, value in unet.state_dict().items()}
        file = read_lora(source, unet.state_dict())
        merge_loras(unet, [(file, strength)])
        after = unet.state_dict()
        changed = {k: after[k] - before[k] for k in before if not torch.equal(after[k], before[k])}
        assert set(changed) == set(file.matched)
        return changed

    return add


def close(got, want):
    torch.testing.assert_close(got, want, atol=1e-5, rtol=0)


def test_kohya(config, draw, merged):
    up, down = pair(config, QUERY, draw)
    state = {
        f"{kohya(QUERY)}.lora_up.weight": up,
        f"{kohya(QUERY)}.lora_down.weight": down,
        f"{kohya(QUERY)}.alpha": torch.tensor(1.5),
    }
    close(merged(state)[f"{QUERY}.weight"], STRENGTH * 1.5 / RANK * up @ down)


def test_kohya_by_the_original_codes_names(config, draw, merged):
    up, down = pair(config, QUERY, draw)
    stem = "lora_unet_input_blocks_1_1_transformer_blocks_0_attn1_to_q"
    state = {f"{stem}.lora_up.weight": up, f"{stem}.lora_down.weight": down}
    close(merged(state)[f"{QUERY}.weight"], STRENGTH * up @ down)


@pytest.mark.parametrize("kernel", [(), (1, 1)])
def test_kohya_of_a_1x1_convolution(config, draw, merged, kernel):
    """Written as a matrix, or as the kernels that they are."""
    up, down = pair(config, SMALL, draw, kernel)
    state = {
        f"{kohya(SMALL)}.lora_up.weight": up,
        f"{kohya(SMALL)}.lora_down.weight": down,
    }
    want = STRENGTH * torch.einsum("or,ri->oi", up.flatten(1), down.flatten(1))
    close(merged(state)[f"{SMALL}.weight"], want[..., None, None])


def test_locon(config, draw, merged):
    up, down = pair(config, CONV, draw, (3, 3))
    state = {
        f"{kohya(CONV)}.lora_up.weight": up,
        f"{kohya(CONV)}.lora_down.weight": down,
        f"{kohya(CONV)}.alpha": torch.tensor(2.0),
    }
    want = STRENGTH * 2 / RANK * torch.einsum("or,rihw->oihw", up[..., 0, 0], down)
    close(merged(state)[f"{CONV}.weight"], want)


def test_locon_with_a_kernel_between(config, draw, merged):
    """Three convolutions, one after another, are the same as one with the sum of their kernels."""
    up, down = pair(config, CONV, draw, (1, 1))
    mid = draw(RANK, RANK, 3, 3)
    state = {
        f"{kohya(CONV)}.lora_up.weight": up,
        f"{kohya(CONV)}.lora_down.weight": down,
        f"{kohya(CONV)}.lora_mid.weight": mid,
    }
    delta = merged(state)[f"{CONV}.weight"]
    x = draw(1, down.shape[1], 7, 7)
    want = x
    for kernel in (down, mid, up):
        want = torch.nn.functional.conv2d(want, kernel)
    torch.testing.assert_close(
        torch.nn.functional.conv2d(x, delta), STRENGTH * want, atol=1e-3, rtol=1e-4
    )


@pytest.mark.parametrize("prefix", ["", "unet.", "base_model.model."])
@pytest.mark.parametrize("adapter", ["", ".default"])
def test_peft(config, draw, merged, prefix, adapter):
    """Without an alpha it is the rank."""
    up, down = pair(config, OUTPUT, draw)
    state = {
        f"{prefix}{OUTPUT}.lora_A{adapter}.weight": down,
        f"{prefix}{OUTPUT}.lora_B{adapter}.weight": up,
    }
    close(merged(state)[f"{OUTPUT}.weight"], STRENGTH * up @ down)


def test_diffusers_linear_layers(config, draw, merged):
    up, down = pair(config, OUTPUT, draw)
    state = {f"unet.{OUTPUT}.lora.up.weight": up, f"unet.{OUTPUT}.lora.down.weight": down}
    close(merged(state)[f"{OUTPUT}.weight"], STRENGTH * up @ down)


@pytest.mark.parametrize("layer", [QUERY, OUTPUT, MOTION])
def test_old_processors(config, draw, merged, layer):
    up, down = pair(config, layer, draw)
    state = {f"{old(layer)}.up.weight": up, f"{old(layer)}.down.weight": down}
    close(merged(state)[f"{layer}.weight"], STRENGTH * up @ down)


def test_kohya_of_a_motion_module(config, draw, merged):
    up, down = pair(config, MOTION, draw)
    state = {
        f"{kohya(MOTION)}.lora_up.weight": up,
        f"{kohya(MOTION)}.lora_down.weight": down,
        f"{kohya(MOTION)}.alpha": torch.tensor(1.0),
    }
    close(merged(state)[f"{MOTION}.weight"], STRENGTH / RANK * up @ down)


def test_half_precision_is_added_in_float32(config, draw, merged):
    up, down = (m.half() for m in pair(config, QUERY, draw))
    state = {
        f"{kohya(QUERY)}.lora_up.weight": up,
        f"{kohya(QUERY)}.lora_down.weight": down,
    }
    close(merged(state)[f"{QUERY}.weight"], STRENGTH * up.float() @ down.float())


def peft_state(config, draw):
    up, down = pair(config, QUERY, draw)
    return {f"unet.{QUERY}.lora_A.weight": down, f"unet.{QUERY}.lora_B.weight": up}, up @ down


@pytest.mark.parametrize(
    ("settings", "scale"),
    [
        ({"unet.lora_alpha": 6}, 6 / RANK),
        ({"unet.lora_alpha": 6, "unet.use_rslora": True}, 6 / RANK**0.5),
        ({"unet.lora_alpha": 6, "unet.alpha_pattern": {"attn1.to_q": 9}}, 9 / RANK),
        ({"text_encoder.lora_alpha": 6}, 1),
    ],
)
def test_alpha_in_the_metadata(config, draw, merged, tmp_path, settings, scale):
    state, product = peft_state(config, draw)
    path = tmp_path / "style.safetensors"
    save_file(state, path, {"lora_adapter_metadata": json.dumps(settings)})
    close(merged(path)[f"{QUERY}.weight"], STRENGTH * scale * product)


def test_alpha_in_the_config_beside(config, draw, merged, tmp_path):
    state, product = peft_state(config, draw)
    save_file(state, tmp_path / "adapter_model.safetensors")
    (tmp_path / "adapter_config.json").write_text('{"lora_alpha": 6, "r": 3}')
    got = merged(tmp_path / "adapter_model.safetensors")
    close(got[f"{QUERY}.weight"], STRENGTH * 2 * product)


def test_checkpoint_with_wrappers(config, draw, merged, tmp_path):
    """As AnimateDiff's own motion LoRAs are."""
    up, down = pair(config, MOTION, draw)
    state = {f"module.{old(MOTION)}.up.weight": up, f"module.{old(MOTION)}.down.weight": down}
    torch.save({"epoch": 1, "state_dict": state}, tmp_path / "pan.ckpt")
    close(merged(tmp_path / "pan.ckpt")[f"{MOTION}.weight"], STRENGTH * up @ down)


A, B = f"{QUERY}.lora_A.weight", f"{QUERY}.lora_B.weight"
K = kohya(QUERY)


@pytest.mark.parametrize(
    ("state", "message"),
    [
        ({"conv_in.weight": (16, 4, 3, 3)}, r"is not a LoRA.*conv_in\.weight"),
        ({f"{K}.alpha": ()}, "is not a LoRA"),
        ({A: (3, 16)}, "the up matrix is missing"),
        ({B: (16, 3)}, "the down matrix is missing"),
        ({A: (4, 16), B: (16, 3)}, r"ranks of up and down differ, \(16, 3\) and \(4, 16\)"),
        ({A: (3, 16, 1), B: (16, 3)}, "shapes .* are not known"),
        ({A: (3, 20), B: (16, 3)}, r"to_q\.weight is \(16, 16\) here and \(16, 20\) there"),
        ({A: (3, 16, 3, 3), B: (16, 3)}, r"here and \(16, 16, 3, 3\) there"),
        ({A: (3, 16), B: (16, 3), f"{QUERY}.alpha": (2,)}, r"alpha is \(2,\)"),
        (
            {
                f"{K}.lora_down.weight": (3, 16),
                f"{K}.lora_up.weight": (16, 3),
                f"{K}.lora_mid.weight": (2, 2, 3, 3),
            },
            r"mid is \(2, 2, 3, 3\), not \(3, 3, k, k\)",
        ),
        ({A: (3, 16), B: (16, 3), f"unet.{A}": (3, 16), f"unet.{B}": (16, 3)}, "under two names"),
        ({A: (3, 16), f"{QUERY}.lora_A.default.weight": (3, 16)}, "two down matrices"),
        ({f"{K}.hada_w1_a": (16, 3)}, "is LoHa, not a plain LoRA"),
        ({f"{K}.lokr_w1": (4, 4)}, "is LoKr"),
        ({f"{K}.dora_scale": (16, 1)}, "is DoRA"),
        ({f"{QUERY}.lora_magnitude_vector": (16,)}, "is DoRA"),
        ({f"{K}.oft_blocks": (2, 8, 8)}, "is OFT"),
        ({f"{K}.diff": (16, 16)}, "whole differences"),
    ],
)
def test_bad_states_are_named(config, state, message):
    tensors = {key: torch.ones(shape) for key, shape in state.items()}
    with pytest.raises(InputError, match=message):
        read_lora(tensors, DenoisingUNet(config, device="meta").state_dict(), "style")


def test_numbers_that_are_not_finite(config):
    state = {A: torch.ones(3, 16), B: torch.full((16, 3), float("nan"))}
    with pytest.raises(InputError, match="not finite"):
        read_lora(state, DenoisingUNet(config, device="meta").state_dict())


def test_damaged_files(config, draw, tmp_path):
    state, _ = peft_state(config, draw)
    whole, cut = tmp_path / "whole.safetensors", tmp_path / "cut.safetensors"
    save_file(state, whole)
    cut.write_bytes(whole.read_bytes()[:-20])
    with pytest.raises(InputError, match=r"cut\.safetensors is damaged"):
        read_lora(cut, ())
    with pytest.raises(InputError, match=r"no LoRA file .*absent\.safetensors"):
        read_lora(tmp_path / "absent.safetensors", ())
    torch.save(state, tmp_path / "cut.ckpt")
    (tmp_path / "cut.ckpt").write_bytes((tmp_path / "cut.ckpt").read_bytes()[:-200])
    with pytest.raises(InputError, match=r"cut\.ckpt is damaged"):
        read_lora(tmp_path / "cut.ckpt", ())
    torch.save([1, 2], tmp_path / "list.ckpt")
    with pytest.raises(InputError, match=r"list\.ckpt is not a LoRA: it holds list"):
        read_lora(tmp_path / "list.ckpt", ())
    (tmp_path / "adapter_model.safetensors").write_bytes(whole.read_bytes())
    (tmp_path / "adapter_config.json").write_text("{")
    with pytest.raises(InputError, match="is not JSON"):
        read_lora(tmp_path / "adapter_model.safetensors", ())
