"""The tables hang together as a mesh."""

from collections import Counter

import pytest
import torch

from magicportrait_core import topology as topo

RINGS = ["FACE_OVAL", "LIPS_INNER", "LEFT_EYE", "RIGHT_EYE"]


def directed_edges():
    return Counter((t[i], t[(i + 1) % 3]) for t in topo.TRIANGLES.tolist() for i in range(3))


def test_triangles_cover_the_mesh_with_one_winding():
    assert topo.TRIANGLES.shape == (852, 3)
    assert topo.TRIANGLES.unique().tolist() == list(range(topo.NUM_MESH))
    assert max(directed_edges().values()) == 1


@pytest.mark.parametrize("name", RINGS)
def test_boundary_loops_are_the_named_rings(name):
    ring = getattr(topo, name)
    edges = directed_edges()
    pairs = {frozenset(p) for p in zip(ring, ring[1:] + ring[:1], strict=True)}
    boundary = {frozenset(e) for e in edges if e[::-1] not in edges}
    assert pairs <= boundary
    assert len(boundary) == sum(len(getattr(topo, r)) for r in RINGS)


def test_mirror_is_an_involution_that_keeps_edges_and_swaps_sides():
    assert torch.equal(topo.MIRROR[topo.MIRROR], torch.arange(topo.NUM_LANDMARKS))
    for left, right in [("LEFT_EYE", "RIGHT_EYE"), ("LEFT_BROW", "RIGHT_BROW")]:
        mirrored = set(topo.MIRROR[list(getattr(topo, right))].tolist())
        assert mirrored == set(getattr(topo, left))
    edges = {frozenset(e) for e in directed_edges()}
    mirrored = {frozenset(topo.MIRROR[list(e)].tolist()) for e in edges}
    assert len(edges - mirrored) <= 6  # a few squares are cut along the other diagonal


def test_ibug68_averages_pairs():
    points = torch.arange(478.0)[:, None].expand(478, 2)
    ibug = topo.to_ibug68(points)
    assert ibug.shape == (68, 2)
    assert ibug[27, 0] == (168 + 6) / 2
    assert ibug[36, 0] == topo.RIGHT_EYE_OUTER
