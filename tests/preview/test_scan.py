"""Scan conversion against a plain twin that asks every triangle about every pixel."""

import numpy as np
import pytest
import torch

from magicportrait_core.preview.scan import affine_maps, scan_convert, source_field

SLIVER = 0.02  #: px of area; thinner triangles are not drawn


def plain(vertices, triangles, height, width, cull=False):
    """One frame, float64: (h, w) indices, and where they hang on less than 1e-4 px or 1e-5 of z."""
    y, x = np.mgrid[:height, :width].astype(np.float64)
    best = np.full((height, width), -1)
    depth = np.full((height, width), np.inf)
    unsure = np.zeros((height, width), bool)
    reach = vertices[:, 2].max() - vertices[:, 2].min()
    for index, corners in enumerate(vertices[triangles]):
        (ax, ay, az), (bx, by, bz), (cx, cy, cz) = corners
        double = (bx - ax) * (cy - ay) - (cx - ax) * (by - ay)
        if not (double < -2 * SLIVER if cull else abs(double) > 2 * SLIVER):
            continue
        edges = [
            ((qx - px) * (y - py) - (x - px) * (qy - py), np.hypot(qx - px, qy - py))
            for (px, py), (qx, qy) in (
                ((bx, by), (cx, cy)), ((cx, cy), (ax, ay)), ((ax, ay), (bx, by))
            )
        ]  # fmt: skip
        inside = np.all([e * np.sign(double) >= 0 for e, _ in edges], 0)
        touched = np.all([e * np.sign(double) >= -1e-4 * n for e, n in edges], 0)
        unsure |= touched & np.any([np.abs(e) < 1e-4 * n for e, n in edges], 0)
        z = (edges[0][0] * az + edges[1][0] * bz + edges[2][0] * cz) / double
        unsure |= inside & (z != depth) & (np.abs(z - depth) < 1e-5 * reach)
        nearer = inside & (z < depth)  # of equals the first, which has the lower index, stays
        best[nearer], depth[nearer] = index, z[nearer]
    return best, unsure


def compare(vertices, triangles, height, width, cull):
    found = scan_convert(
        torch.from_numpy(vertices), torch.from_numpy(triangles), height, width, cull
    ).numpy()
    assert found.shape == (len(vertices), height, width)
    surely = 0
    for frame, drawn in zip(vertices, found, strict=True):
        best, unsure = plain(frame.astype(np.float64), triangles, height, width, cull)
        assert (drawn == best)[~unsure].all()
        surely += (~unsure & (best >= 0)).sum()
    return surely


@pytest.mark.parametrize("cull", [False, True])
@pytest.mark.parametrize("seed", range(4))
def test_random_triangles(seed, cull):
    """Three frames of triangles large and small, some off the picture."""
    random = np.random.default_rng(seed)
    centers = random.uniform((-20, -20, 0), (70, 60, 40), (3, 60, 1, 3))
    sizes = random.choice([1, 6, 30], (1, 60, 1, 1))
    corners = centers + sizes * random.normal(size=(3, 60, 3, 3))
    vertices = corners.reshape(3, 180, 3).astype(np.float32)
    triangles = np.arange(180).reshape(60, 3)
    assert compare(vertices, triangles, 40, 53, cull) > 500


@pytest.mark.parametrize("cull", [False, True])
def test_a_mesh_of_shared_edges(cull):
    """A jittered grid: every inner edge belongs to two triangles, no centre is left out."""
    random = np.random.default_rng(0)
    y, x = np.mgrid[:9, :9]
    grid = np.stack([5.0 * x, 5.0 * y, 0 * x], -1).reshape(81, 3)
    vertices = (grid + random.uniform(-1.5, 1.5, (2, 81, 3))).astype(np.float32)
    a = (9 * y + x)[:-1, :-1].ravel()
    triangles = np.concatenate(
        [np.stack([a, a + 9, a + 1], 1), np.stack([a + 1, a + 9, a + 10], 1)]
    )
    compare(vertices, triangles, 41, 41, cull)
    found = scan_convert(torch.from_numpy(vertices), torch.from_numpy(triangles), 41, 41, cull)
    assert (found[:, 3:38, 3:38] >= 0).all()


def test_edges_through_centres_are_exact():
    """On whole coordinates nothing is unsure: both own the diagonal, the first gets it."""
    vertices = torch.tensor([[[0.0, 0, 5], [4, 0, 5], [0, 4, 5], [4, 4, 5]]])
    triangles = torch.tensor([[0, 2, 1], [1, 2, 3]])
    found = scan_convert(vertices, triangles, 6, 6)[0]
    expected = torch.full((6, 6), -1)
    expected[:5, :5] = 1
    expected[:5, :5][torch.ones(5, 5).triu().flip(1).bool()] = 0
    assert torch.equal(found, expected)
    nearer = vertices.clone()
    nearer[0, 3, 2] = 4  # the second triangle comes forward, but not along the shared edge
    assert torch.equal(scan_convert(nearer, triangles, 6, 6)[0], expected)


def test_the_nearer_triangle_hides_the_other():
    square = torch.tensor([[0.0, 0], [0, 9], [9, 9], [9, 0]])
    depths = torch.tensor([3.0, 1.0])
    vertices = torch.cat([torch.cat([square, z.expand(4, 1)], 1) for z in depths])[None]
    triangles = torch.tensor([[0, 1, 2], [0, 2, 3], [4, 5, 6], [4, 6, 7]])
    assert (scan_convert(vertices, triangles, 10, 10) >= 2).all()


def test_back_faces_are_drawn_only_without_cull():
    vertices = torch.tensor([[[1.0, 1, 0], [8, 1, 0], [1, 8, 0]]])
    clockwise, counter = torch.tensor([[0, 1, 2]]), torch.tensor([[0, 2, 1]])
    assert (scan_convert(vertices, clockwise, 10, 10) == 0).any()
    assert (scan_convert(vertices, clockwise, 10, 10, cull=True) == -1).all()
    assert (scan_convert(vertices, counter, 10, 10, cull=True) == 0).any()


@pytest.mark.parametrize(
    "corners",
    [
        [[2.0, 2, 0]] * 3,  # a point
        [[1.0, 1, 0], [5, 5, 0], [9, 9, 0]],  # a line
        [[1.0, 3, 0], [9, 3, 0], [5, 3.004, 0]],  # a sliver
        [[-9.0, 1, 0], [-3, 1, 0], [-5, 8, 0]],  # left of the picture
        [[1.0, 12, 0], [8, 12, 0], [4, 30, 0]],  # below it
        [[3.2, 3.2, 0], [3.8, 3.2, 0], [3.4, 3.8, 0]],  # between the centres
    ],
)
def test_nothing_to_draw(corners):
    found = scan_convert(torch.tensor([corners]), torch.tensor([[0, 1, 2]]), 10, 10)
    assert found.shape == (1, 10, 10)
    assert (found == -1).all()


def test_affine_maps_are_exact():
    target = torch.tensor([[[[0.0, 0], [4, 0], [0, 2]], [[1, 1], [1, 5], [6, 2]]]])
    known = torch.tensor([[[[2.0, 0, 3], [0, 0.5, -1]], [[0, -1, 7], [1, 0.25, 0]]]])
    source = target @ known[..., :2].mT + known[..., 2][:, :, None]
    torch.testing.assert_close(affine_maps(source, target), known, atol=1e-5, rtol=0)


def test_affine_maps_of_degenerate_triangles_are_finite():
    flat = torch.tensor([[[[0.0, 0], [1, 1], [2, 2]], [[3, 3], [3, 3], [3, 3]]]])
    assert affine_maps(flat, flat).isfinite().all()


def test_source_field_applies_the_map_of_each_pixel():
    face = torch.tensor([[[0, -1], [1, 1]]])
    maps = torch.tensor([[[[1.0, 0, 5], [0, 1, 0]], [[0, 1, 0], [1, 0, 0]]]])
    field = source_field(face, maps, origin=(10, 20), step=3)[0]
    expected = torch.tensor([[[15.0, 20], [13, 20]], [[23, 10], [23, 13]]])
    torch.testing.assert_close(field, expected)
