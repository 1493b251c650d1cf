"""What is made once, and when it is made again."""

import torch
from torch import nn

from magicportrait_core.diffusion.layers.memo import Memo


def test_a_source_is_used_once():
    memo, layer, other = Memo(), nn.Identity(), nn.Identity()
    one, same = torch.zeros(2), torch.zeros(2)
    made = []

    def make():
        made.append(0)
        return len(made)

    assert [memo.of(layer, one, make) for _ in range(2)] == [1, 1]
    assert memo.of(layer, same, make) == 2  # equal, but another tensor
    assert memo.of(other, one, make) == 3
    assert memo.of(layer, one, make, what="values") == 4
    assert memo.of(layer, one, make) == 1


def test_numbers_are_compared():
    memo, layer = Memo(), nn.Identity()
    assert memo.of(layer, 999, lambda: "first") == "first"
    assert memo.of(layer, 999.0, lambda: "again") == "first"
    assert memo.of(layer, 749, lambda: "second") == "second"
    assert memo.of(layer, torch.tensor(749), lambda: "tensor") == "tensor"


def test_the_oldest_is_dropped():
    memo, layer = Memo(keep=2), nn.Identity()
    for number in (1, 2, 3):
        memo.of(layer, number, lambda: "old")
    assert memo.of(layer, 2, lambda: "new") == "old"
    assert memo.of(layer, 1, lambda: "new") == "new"
