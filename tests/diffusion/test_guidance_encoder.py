"""Maps to features."""

import pytest
import torch

from magicportrait_core.diffusion.guidance_encoder import KINDS, GuidanceEncoder, encode_guidance
from magicportrait_core.diffusion.layers.configs import GuidanceConfig
from magicportrait_core.errors import InputError

SMALL = GuidanceConfig((4, 8, 8, 16), embedding_channels=12, norm_groups=4, heads=4)


@pytest.fixture(scope="module")
def encoders():
    torch.manual_seed(6)
    return {kind: GuidanceEncoder(SMALL).eval() for kind in KINDS}


@pytest.fixture
def maps(draw):
    return {kind: draw(5, 3, 16, 24).sigmoid() for kind in KINDS}


def test_features_are_an_eighth_the_size(encoders, maps):
    assert encoders["depth"](maps["depth"]).shape == (5, 12, 2, 3)


def test_frames_do_not_mix(encoders, maps):
    together = encoders["normal"](maps["normal"])
    for i in range(5):
        alone = encoders["normal"](maps["normal"][i : i + 1])
        torch.testing.assert_close(together[i : i + 1], alone, rtol=1e-4, atol=1e-5)


@pytest.mark.parametrize("batch", [1, 2, 8])
def test_the_sum(encoders, maps, batch):
    """Whatever the order the maps come in."""
    backwards = dict(reversed(maps.items()))
    features = encode_guidance(encoders, backwards, batch)
    expected = sum(encoders[kind](maps[kind]) for kind in KINDS)
    torch.testing.assert_close(features, expected, rtol=1e-4, atol=1e-5)


def test_a_network_for_each_map(encoders, maps):
    swapped = {"depth": maps["normal"], "normal": maps["depth"], "render": maps["render"]}
    difference = encode_guidance(encoders, swapped) - encode_guidance(encoders, maps)
    assert difference.abs().max() > 1e-3


def test_only_the_last_attention_is_built():
    net = GuidanceEncoder(device="meta")
    assert set(net.attentions) == {"5"}
    assert len(net.state_dict()) == 35
    assert sum(p.numel() for p in net.parameters()) == 2_270_736


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda maps: {"depth": maps["depth"]}, "maps must be depth, normal, render, got depth"),
        (lambda maps: {}, "got none"),
        (lambda maps: maps | {"render": maps["render"][:4]}, "one size and length"),
        (lambda maps: maps | {"render": maps["render"][..., :8]}, "one size and length"),
    ],
)
def test_maps_that_do_not_fit(encoders, maps, change, message):
    with pytest.raises(InputError, match=message):
        encode_guidance(encoders, change(maps))
