"""The portrait's bank."""

import pytest
import torch

from magicportrait_core.errors import InputError
from magicportrait_core.types import ReferenceCondition


def test_the_bank_is_what_the_denoiser_asks_for(unet, bank):
    """Its 16 blocks by name, tokens and channels of the denoiser's own."""
    blocks = [m for m in unet.modules() if type(m).__name__ == "TransformerBlock"]
    assert set(bank.states) == {block.site.name for block in blocks}
    assert len(bank.states) == 16
    for block in blocks:
        assert bank.states[block.site.name].shape[2] == block.norm1.normalized_shape[0]
    assert bank.states["down_blocks.0.attentions.0.transformer_blocks.0"].shape == (1, 8 * 16, 16)


def test_states_are_normalised(reference_unet, bank):
    """LayerNorm's output, its weights undone, has mean 0 and variance 1 in every token."""
    for name, state in bank.states.items():
        norm = reference_unet.get_submodule(name).norm1
        plain = (state - norm.bias) / norm.weight
        assert plain.mean(-1).abs().max() < 1e-4
        torch.testing.assert_close(
            plain.var(-1, correction=0).mean().item(), 1.0, atol=0.01, rtol=0
        )


def test_portrait_and_text_count(reference_unet, draw, text):
    latents = draw(1, 4, 8, 8)
    one = reference_unet(latents, text)
    for other in (reference_unet(2 * latents, text), reference_unet(latents, 2 * text)):
        assert all((one.states[n] - other.states[n]).abs().max() > 1e-4
                   for n in list(one.states)[1:])  # fmt: skip


def test_what_nothing_depends_on_is_not_built(reference_unet):
    keys = reference_unet.state_dict().keys()
    last = {k.removeprefix("up_blocks.3.attentions.2.") for k in keys if "3.attentions.2" in k}
    kinds = {"norm", "proj_in", "transformer_blocks.0.norm1"}
    assert last == {f"{kind}.{part}" for kind in kinds for part in ("weight", "bias")}
    assert not any("motion" in k or k.startswith(("conv_norm_out", "conv_out")) for k in keys)


def test_one_portrait_at_a_time(reference_unet, draw, text):
    with pytest.raises(InputError, match="latents must be"):
        reference_unet(draw(2, 4, 8, 8), text)


def test_rounding(bank):
    rounded = bank.to(dtype=torch.float16)
    assert {state.dtype for state in rounded.states.values()} == {torch.float16}
    assert {state.dtype for state in bank.states.values()} == {torch.float32}


def test_states_have_a_shape():
    with pytest.raises(InputError, match="the bank of a"):
        ReferenceCondition({"a": torch.zeros(2, 3, 4)})
