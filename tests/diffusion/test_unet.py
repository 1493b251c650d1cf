"""The denoising UNet as hosts call it: chunks, frames, texts and times in all their forms."""

import pytest
import torch

from magicportrait_core.diffusion.backbone.skips import Residuals
from magicportrait_core.diffusion.layers.attention import attend_plain
from magicportrait_core.diffusion.layers.hooks import Hooks
from magicportrait_core.diffusion.layers.memo import Memo
from magicportrait_core.diffusion.unet import DenoisingUNet
from magicportrait_core.errors import InputError
from magicportrait_core.types import ChunkCondition

N = 3


@pytest.fixture
def x(draw):
    return draw(N, 4, 8, 16)


@pytest.fixture
def features(draw):
    return draw(N, 16, 8, 16)


@pytest.fixture
def halves(features, bank):
    return [ChunkCondition(features, None), ChunkCondition(features, bank)]


def test_chunks_do_not_mix(unet, x, text, halves, draw):
    """A batch of different chunks is each of them alone."""
    xs, others = [x, draw(N, 4, 8, 16), x], [*halves, ChunkCondition(None, None)]
    together = unet(torch.cat(xs), 500, text, others).split(N)
    for part, alone, chunk in zip(together, xs, others, strict=True):
        torch.testing.assert_close(part, unet(alone, 500, text, [chunk]), rtol=1e-4, atol=1e-5)


def test_everything_counts(unet, x, text, halves, features):
    """A change of any input changes the output."""
    v = unet(x, 500, text, halves[1:])
    assert v.shape == x.shape
    others = [
        unet(x, 400, text, halves[1:]),
        unet(x, 500, 2 * text, halves[1:]),
        unet(x, 500, text, halves[:1]),
        unet(x, 500, text, [ChunkCondition(2 * features, halves[1].reference)]),
        unet(x.flip(0), 500, text, halves[1:]).flip(0),  # the frames' order
    ]
    assert all((v - other).abs().max() > 1e-3 for other in others)


@pytest.mark.parametrize("rows", [1, 2, 2 * N])
def test_fewer_rows_of_text_and_time_are_the_same(unet, x, text, halves, rows):
    twice = torch.cat([x, x])
    expected = unet(twice, 500, text, halves)
    times = torch.full((rows,), 500.0)
    out = unet(twice, times, text.expand(rows, -1, -1), halves)
    torch.testing.assert_close(out, expected, rtol=1e-4, atol=1e-5)


def test_texts_and_times_of_chunks_go_to_their_chunks(unet, x, draw, halves):
    texts, times = draw(2, 5, 8), torch.tensor([200, 700])
    together = unet(torch.cat([x, x]), times, texts, halves).split(N)
    for i in range(2):
        alone = unet(x, float(times[i]), texts[i : i + 1], halves[i : i + 1])
        torch.testing.assert_close(together[i], alone, rtol=1e-4, atol=1e-5)


@pytest.mark.parametrize("size", [(8, 8), (9, 13), (1, 2)])
def test_any_latent_size(unet, text, bank, draw, size):
    """Sizes that do not halve evenly come back as they were."""
    v = unet(draw(2, 4, *size), 10, text, [ChunkCondition(draw(2, 16, *size), bank)])
    assert v.shape == (2, 4, *size)
    assert v.isfinite().all()


def test_guidance_is_added_after_conv_in(unet, x, text, draw):
    """As residuals of the first skip would not: the trunk sees it too."""
    features = draw(N, 16, 8, 16)
    out = unet(x, 500, text, [ChunkCondition(features, None)])
    hook = unet.conv_in.register_forward_hook(lambda module, given, y: y + features)
    try:
        expected = unet(x, 500, text, [ChunkCondition(None, None)])
    finally:
        hook.remove()
    torch.testing.assert_close(out, expected)


def test_residuals_enter_skips_and_middle(unet, x, text, halves):
    """Each of the 13 changes the output; zeros and None do not."""
    shapes = []

    class Watch(Hooks):
        def pushed(self, block, y):
            assert block == len(shapes)
            shapes.append(y.shape)
            return y, y

    plain = unet(x, 500, text, halves[1:], hooks=Watch())
    assert len(shapes) == 12
    zeros = [torch.zeros(shape) for shape in shapes]
    same = unet(x, 500, text, halves[1:], Residuals(zeros, torch.zeros(shapes[-1])))
    torch.testing.assert_close(same, plain)
    for place in range(12):
        down = [None] * 12
        down[place] = torch.ones(shapes[place])
        changed = unet(x, 500, text, halves[1:], Residuals(down))
        assert (changed - plain).abs().max() > 1e-4, place
    changed = unet(x, 500, text, halves[1:], Residuals(mid=torch.ones(shapes[-1])))
    assert (changed - plain).abs().max() > 1e-4
    with pytest.raises(InputError, match="control residual must be"):
        unet(x, 500, text, halves[1:], Residuals([torch.zeros(N, 16, 3, 3)]))


def test_skip_residuals_are_seen_by_the_decoder_only(unet, x, text, halves):
    """The encoder's blocks give the same, as in ControlNet."""

    class Keep(Hooks):
        def __init__(self):
            self.kept = []

        def pushed(self, block, y):
            self.kept.append(y)
            return y, y

    plain, changed = Keep(), Keep()
    unet(x, 500, text, halves[1:], hooks=plain)
    down = [torch.ones_like(y) for y in plain.kept]
    unet(x, 500, text, halves[1:], Residuals(down), hooks=changed)
    for a, b in zip(plain.kept, changed.kept, strict=True):
        torch.testing.assert_close(a, b)


def test_another_attention_function_is_used(config, unet, x, text, halves):
    calls = []

    def mine(q, k, v, heads):
        calls.append(q.shape)
        return attend_plain(q, k, v, heads)

    built = DenoisingUNet(config, attention=mine)
    built.load_state_dict(unet.state_dict())
    twice = torch.cat([x, x])
    expected = unet(twice, 500, text, halves)
    torch.testing.assert_close(built(twice, 500, text, halves), expected, rtol=1e-4, atol=1e-5)
    # of 16 transformers: self-attention of either half, the text; of 21 motion modules: two
    assert len(calls) == 16 * 3 + 21 * 2
    calls.clear()
    unet(twice, 500, text, halves, attention=mine)
    assert len(calls) == 16 * 3 + 21 * 2


def test_gradients_flow(config, x, text, halves):
    torch.manual_seed(5)
    net = DenoisingUNet(config)
    with torch.enable_grad():
        net(torch.cat([x, x]), 500, text, halves).square().mean().backward()
    without = [name for name, p in net.named_parameters() if p.grad is None or not p.grad.any()]
    assert without == []


def test_dtype_is_the_weights(config):
    assert DenoisingUNet(config, dtype=torch.float16, device="meta").dtype == torch.float16


def test_half_precision_runs(config, unet, x, text, halves):
    net = DenoisingUNet(config, dtype=torch.bfloat16).requires_grad_(False)
    net.load_state_dict(unet.state_dict())
    v = net(x.bfloat16(), 500, text, halves[1:])
    assert v.dtype == torch.bfloat16
    expected = unet(x, 500, text, halves[1:])
    assert (v.float() - expected).norm() / expected.norm() < 0.1


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"x": torch.zeros(5, 4, 8, 16)}, "cannot be shared by 2 chunks"),
        ({"x": torch.zeros(4, 3, 8, 16)}, "x must be"),
        ({"x": torch.zeros(18, 4, 8, 16)}, "at most 8 frames"),
        ({"text": torch.zeros(1, 5, 9)}, "text must be"),
        ({"text": torch.zeros(4, 5, 8)}, "text must have"),
        ({"timestep": torch.zeros(3)}, "timestep must have 1, 2 or 6"),
        ({"chunks": [ChunkCondition(torch.zeros(2, 16, 8, 16), None)] * 2}, "guidance must be"),
        ({"chunks": []}, "0 chunks"),
    ],
)
def test_what_does_not_fit_is_named(unet, x, text, halves, change, message):
    given = {"x": torch.cat([x, x]), "timestep": 5, "text": text, "chunks": halves} | change
    with pytest.raises(InputError, match=message):
        unet(**given)


def test_a_runs_memo_projects_once(unet, x, text, halves):
    """Windows and steps: the bank's and the text's keys once, the time once a step."""
    counts = {"text": 0, "bank": 0, "time": 0, "resnet": 0}
    block = unet.down_blocks[0].attentions[0].transformer_blocks[0]
    resnet = unet.down_blocks[0].resnets[0]

    def count(name, wanted=None):
        def hook(module, given, out):
            counts[name] += wanted is None or out.shape[:2] == wanted

        return hook

    handles = [
        block.attn2.to_k.register_forward_hook(count("text")),
        block.attn1.to_k.register_forward_hook(count("bank", (1, 128))),
        unet.time_embedding.register_forward_hook(count("time")),
        resnet.time_emb_proj.register_forward_hook(count("resnet")),
    ]
    memo, twice = Memo(), torch.cat([x, x])
    try:
        for t in (900, 500):
            for _window in range(3):
                out = unet(twice, t, text, halves, memo=memo)
    finally:
        for handle in handles:
            handle.remove()
    assert counts == {"text": 1, "bank": 1, "time": 2, "resnet": 2}
    torch.testing.assert_close(out, unet(twice, 500, text, halves))
