import pytest
import torch
from torch import nn

from magicportrait_core.errors import InputError
from magicportrait_core.flame.trackers.deca import load_deca
from magicportrait_core.flame.trackers.loading import load_strictly, ready
from magicportrait_core.flame.trackers.mobilenet import Inverted
from magicportrait_core.flame.trackers.resnet import Bottleneck, PackedBottleneck
from magicportrait_core.flame.trackers.smirk import SmirkEncoder, load_smirk


def block() -> Inverted:
    with torch.device("meta"):
        return Inverted(4, 6, 4, 1)


def weights(network: nn.Module | None = None, seed: int = 0) -> dict[str, torch.Tensor]:
    generator = torch.Generator().manual_seed(seed)
    return {
        key: torch.rand(value.shape, generator=generator) + 0.5
        for key, value in (network or Inverted(4, 6, 4, 1)).state_dict().items()
    }


def test_weights_arrive_as_float32_for_inference():
    state = {key: value.half() for key, value in weights().items()}
    network = load_strictly(block(), state, "the file")
    assert network.conv_pw.weight.equal(state["conv_pw.weight"].float())
    assert not network.training
    assert not any(p.requires_grad for p in network.parameters())


def test_counters_of_training_may_be_absent():
    state = {key: v for key, v in weights().items() if "num_batches" not in key}
    assert load_strictly(block(), state, "the file").bn1.num_batches_tracked == 0


def test_a_missing_tensor_is_named():
    state = weights()
    del state["bn2.weight"], state["bn3.bias"]
    with pytest.raises(InputError, match=r"the file lacks bn2.weight and 1 more: import"):
        load_strictly(block(), state, "the file")


def test_an_unexpected_tensor_is_named():
    with pytest.raises(InputError, match=r"the file has an unexpected tensor, se.conv: import"):
        load_strictly(block(), weights() | {"se.conv": torch.ones(1)}, "the file")


def test_another_shape_is_named():
    state = weights() | {"bn1.bias": torch.ones(5)}
    with pytest.raises(InputError, match=r"the file: bn1.bias must be \(6,\), got \(5,\): import"):
        load_strictly(block(), state, "the file")


def test_weights_of_the_other_network_are_refused():
    state = SmirkEncoder().state_dict()
    with pytest.raises(InputError, match=r"DECA's E_flame \(deca_model.tar\) lacks encoder.conv1"):
        load_deca(state)
    with pytest.raises(InputError, match=r"SMIRK's encoders \(SMIRK_em1.pt\) lacks pose_encoder"):
        load_smirk({"layers.0.weight": torch.ones(1)})


MAKES = {
    "bottleneck": lambda: Bottleneck(8, 2, 1),
    "halving": lambda: Bottleneck(8, 4, 2),
    "packed": lambda: nn.Sequential(Bottleneck(8, 2, 1), Bottleneck(8, 4, 2)),
    "wide": lambda: nn.Sequential(Bottleneck(8, 256, 1)),
    "inverted": lambda: Inverted(8, 12, 8, 1),
}


@pytest.mark.parametrize("make", MAKES.values(), ids=MAKES)
def test_folded_norms_give_the_same_numbers(make):
    with torch.device("meta"):
        network = make()
    plain = load_strictly(network, weights(make()), "the file")
    before = {key: value.clone() for key, value in plain.state_dict().items()}
    fast = ready(plain, "cpu")
    assert not any(isinstance(module, nn.BatchNorm2d) for module in fast.modules())
    inside = {type(module) for module in fast.modules()}
    assert (PackedBottleneck in inside) == isinstance(fast, nn.Sequential)
    images = torch.randn(2, 8, 9, 9, generator=torch.Generator().manual_seed(1))
    torch.testing.assert_close(fast(images), plain(images), rtol=1e-5, atol=1e-5)
    assert all(value.equal(before[key]) for key, value in plain.state_dict().items())
