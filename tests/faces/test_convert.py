"""Conversion names every weight of the networks once."""

import torch

from magicportrait_core.faces.convert import mesh_order, named_weights
from magicportrait_core.faces.mesh import AttentionMesh


def test_the_files_order_names_every_layer_once():
    net = AttentionMesh()
    order = mesh_order(net)
    assert len(order) == len(set(order))
    layers = []
    for name in order:
        parts = dict(net.get_submodule(name).named_parameters())
        layers.append([parts[k] for k in ("weight", "bias") if k in parts])
    named = named_weights(order, layers)
    assert named.keys() == dict(net.named_parameters()).keys()


def test_the_regions_subsets_are_those_of_the_wheel(networks):
    lips = networks.mesh.subset_lips
    assert lips.dtype == torch.int64
    assert lips[:3].tolist() == [61, 146, 91]
    assert sorted(map(len, dict(networks.mesh.named_buffers()).values())) == [71, 71, 80]
