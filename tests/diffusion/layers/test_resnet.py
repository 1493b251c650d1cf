"""The convolutional layers, and time as a sinusoid."""

import pytest
import torch
import torch.nn.functional as F

from magicportrait_core.diffusion.layers.build import Build
from magicportrait_core.diffusion.layers.memo import Memo
from magicportrait_core.diffusion.layers.resnet import Downsample, ResnetBlock, Upsample, sinusoid

BUILD = Build(norm_groups=4)


def test_sinusoid_by_hand():
    """Cosines first, frequencies from 1 down to nearly 1/10000."""
    waves = sinusoid(torch.tensor([0, 7]), 4)
    slow = torch.tensor(7 / 100.0)  # 10000 ** (1 / 2)
    fast = torch.tensor(7.0)
    expected = torch.stack([fast.cos(), slow.cos(), fast.sin(), slow.sin()])
    torch.testing.assert_close(waves[1], expected)
    assert waves[0].tolist() == [1, 1, 0, 0]
    assert waves.dtype == torch.float32


@pytest.mark.parametrize("one_sided", [False, True])
def test_downsampling_pads_where_it_should(one_sided):
    """A kernel that takes its top left pixel tells where the rows begin."""
    down = Downsample(BUILD, 1, one_sided)
    weight = torch.zeros(1, 1, 3, 3)
    weight[0, 0, 0, 0] = 1
    down.load_state_dict({"conv.weight": weight, "conv.bias": torch.zeros(1)})
    picture = torch.arange(1.0, 17).reshape(1, 1, 4, 4)
    first = [[1, 3], [9, 11]] if one_sided else [[0, 0], [0, 6]]
    assert down(picture)[0, 0].tolist() == first


def test_upsampling_is_nearest(draw):
    up = Upsample(BUILD, 2)
    x = draw(1, 2, 2, 3)
    for size in (None, (4, 6), (3, 5)):
        expected = up.conv(F.interpolate(x, size or (4, 6), mode="nearest"))
        torch.testing.assert_close(up(x, size), expected)


def test_time_is_added_between(draw):
    """As a number for each channel, the same in all pixels, before the second norm."""
    block = ResnetBlock(BUILD, 8, 8, time_channels=6)
    x, time = draw(2, 8, 3, 3), draw(1, 6)
    seen = []
    hook = block.norm2.register_forward_pre_hook(lambda module, given: seen.append(given[0]))
    block(x, time, Memo())
    hook.remove()
    added = seen[0] - block.conv1(F.silu(block.norm1(x)))
    expected = block.time_emb_proj(time)[:, :, None, None].expand_as(added)
    torch.testing.assert_close(added, expected, rtol=1e-4, atol=1e-5)


def test_other_channels_have_a_shortcut(draw):
    block = ResnetBlock(BUILD, 4, 8)
    assert block(draw(1, 4, 3, 3)).shape == (1, 8, 3, 3)
    assert "conv_shortcut.weight" in block.state_dict()
    assert "conv_shortcut.weight" not in ResnetBlock(BUILD, 8, 8).state_dict()
