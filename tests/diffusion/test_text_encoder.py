"""CLIP's text encoder, against a plain way of writing it, and against transformers where it is."""

import pytest
import torch

from magicportrait_core.diffusion.checkpoints.loading import build_module
from magicportrait_core.diffusion.layers.configs import TextConfig
from magicportrait_core.diffusion.text_encoder import (
    END,
    PROMPT_IDS,
    START,
    TextEncoder,
    encode_prompt,
    pad_tokens,
)
from magicportrait_core.errors import InputError

SMALL = TextConfig(128, 256, layers=2, heads=2, vocabulary=49408)


@pytest.fixture(scope="module")
def encoder():
    torch.manual_seed(0)
    made = TextEncoder(SMALL).eval().requires_grad_(False)
    for weights in made.parameters():
        weights += 0.3 * torch.randn_like(weights)
    return made


def plain(state, tokens, heads):
    """The same, token by token and head by head."""
    model = {key.removeprefix("text_model."): value.double() for key, value in state.items()}

    def linear(x, name):
        return x @ model[f"{name}.weight"].T + model[f"{name}.bias"]

    def norm(x, name):
        centred = x - x.mean(-1, keepdim=True)
        scaled = centred / (centred.pow(2).mean(-1, keepdim=True) + 1e-5).sqrt()
        return scaled * model[f"{name}.weight"] + model[f"{name}.bias"]

    x = torch.stack([model["embeddings.token_embedding.weight"][t] for t in tokens])
    x = x + model["embeddings.position_embedding.weight"][: len(tokens)]
    layer = 0
    while f"encoder.layers.{layer}.mlp.fc1.weight" in model:
        name = f"encoder.layers.{layer}"
        y = norm(x, f"{name}.layer_norm1")
        q, k, v = (linear(y, f"{name}.self_attn.{p}_proj").chunk(heads, -1) for p in "qkv")
        seen = torch.zeros_like(x)
        for head in range(heads):
            width = q[head].shape[1]
            for i in range(len(tokens)):
                scores = k[head][: i + 1] @ q[head][i] / width**0.5
                seen[i, head * width : (head + 1) * width] = scores.softmax(0) @ v[head][: i + 1]
        x = x + linear(seen, f"{name}.self_attn.out_proj")
        y = linear(norm(x, f"{name}.layer_norm2"), f"{name}.mlp.fc1")
        x = x + linear(y / (1 + (-1.702 * y).exp()), f"{name}.mlp.fc2")
        layer += 1
    return norm(x, "final_layer_norm")


def test_against_the_plain_way(encoder):
    tokens = [START, 5, 900, 7, END, END]
    found = encoder(torch.tensor([tokens]))[0]
    expected = plain(encoder.state_dict(), tokens, SMALL.heads)
    torch.testing.assert_close(found.double(), expected, rtol=1e-4, atol=1e-5)


def test_later_tokens_are_not_seen(encoder):
    one, other = encoder(torch.tensor([[START, 5, 6, 7], [START, 5, 6, 8]]))
    assert torch.equal(one[:3], other[:3])
    assert not torch.equal(one[3], other[3])


def test_the_prompt(encoder):
    tokens = pad_tokens(PROMPT_IDS)
    assert tokens.shape == (1, 77)
    assert tokens[0, :9].tolist() == [START, 320, 2660, 705, 539, 320, 2533, 269, END]
    assert set(tokens[0, 9:].tolist()) == {END}
    made = encode_prompt(encoder)
    assert made.shape == (1, 77, 128)
    assert made.dtype == torch.float32
    assert pad_tokens(list(range(100)))[0].tolist() == [START, *range(75), END]


def test_too_many_tokens(encoder):
    with pytest.raises(InputError, match="at most 77 tokens"):
        encoder(torch.zeros(1, 78, dtype=torch.long))


def test_what_files_hold_beside_is_dropped(encoder):
    state = dict(encoder.state_dict())
    state["text_model.embeddings.position_ids"] = torch.arange(77)[None]
    state["logit_scale"] = torch.tensor(1.0)
    state["text_projection.weight"] = torch.zeros(2, 2)
    made = build_module("text_encoder", state)
    assert torch.equal(encode_prompt(made), encode_prompt(encoder))
    with pytest.raises(InputError, match=r"1 unexpected: text_model\.other"):
        build_module("text_encoder", state | {"text_model.other": torch.zeros(1)})


def test_the_full_size_has_the_official_keys(goldens):
    import json

    manifest = json.loads((goldens / "diffusion" / "manifest_clip_text_expected.json").read_text())
    state = TextEncoder(device="meta").state_dict()
    assert {k: list(t.shape) for k, t in state.items()} == manifest


def test_against_transformers():
    transformers = pytest.importorskip("transformers")
    torch.manual_seed(1)
    theirs = transformers.CLIPTextModel(
        transformers.CLIPTextConfig(
            vocab_size=49408,
            hidden_size=128,
            intermediate_size=512,
            num_hidden_layers=3,
            num_attention_heads=2,
        )
    ).eval()
    for weights in theirs.parameters():
        weights.data += 0.05 * torch.randn_like(weights)
    head = "text_model."
    state = {head + k.removeprefix(head): t for k, t in theirs.state_dict().items()}
    ours = build_module("text_encoder", state)
    with torch.no_grad():
        expected = theirs(pad_tokens(PROMPT_IDS))[0]
    torch.testing.assert_close(encode_prompt(ours), expected, rtol=1e-5, atol=1e-5)
