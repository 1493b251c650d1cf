"""The head that the benches draw is closed, and fills the picture as FLAME does."""

import torch

from magicportrait_core.bench.head_mesh import SwayingHead, head_faces, head_vertices
from magicportrait_core.render import render_maps


def test_it_has_the_faces_of_flame_and_no_hole():
    faces, uvs, uv_faces = head_faces()
    assert faces.shape == uv_faces.shape == (9976, 3)
    assert head_vertices().shape == (4990, 3)
    edges = torch.cat([faces[:, [0, 1]], faces[:, [1, 2]], faces[:, [2, 0]]])
    forward = set(map(tuple, edges.tolist()))
    assert len(forward) == len(edges)
    assert all((b, a) in forward for a, b in forward)
    assert faces.unique().tolist() == list(range(4990))
    assert uv_faces.unique().tolist() == list(range(len(uvs)))


def test_faces_run_counter_clockwise_from_outside():
    a, b, c = head_vertices()[head_faces()[0]].unbind(1)
    volume = (torch.linalg.cross(a, b) * c).sum(-1)
    assert (volume > 0).float().mean() > 0.99


def test_a_face_keeps_its_uvs_together():
    _, uvs, uv_faces = head_faces()
    corners = uvs[uv_faces]
    assert (uvs >= 0).all()
    assert (uvs <= 1).all()
    assert float((corners.amax(1) - corners.amin(1)).max()) < 0.03


def test_it_looks_at_the_viewer_and_fills_a_third():
    maps = render_maps(SwayingHead(1), 128, 128).frames([0])
    seen = maps.mask[0, 0] > 0
    assert 0.25 < seen.float().mean() < 0.4
    assert maps.normal[0, 2][seen].min() > -0.1
    nearest = maps.depth[0, 0].flatten().argmax()
    assert 56 <= int(nearest) % 128 <= 71  # the nose, in the middle column
    assert 0 < maps.render.max() <= 1.1
