"""Normals, light and texture against their slow twins, literals and the goldens."""

import math

import pytest
import torch
from safetensors.torch import load_file

from magicportrait_core.light import FRONT_LIGHT, SKIN
from magicportrait_core.render.shading import (
    Incidence,
    sample_albedo,
    sh_light,
    vertex_normals,
    vertex_normals_plain,
)
from magicportrait_core.topology import TRIANGLES
from tests.golden_head import golden_head

from .plain_maps import plain_light


def some_points(frames: int = 2) -> torch.Tensor:
    return torch.randn(frames, 468, 3, generator=torch.Generator().manual_seed(1))


def test_normals_are_those_of_the_plain_loop():
    world = some_points()
    fast = vertex_normals(world, TRIANGLES, Incidence.of(TRIANGLES)).permute(1, 2, 0)
    assert torch.allclose(fast, vertex_normals_plain(world, TRIANGLES), atol=2e-6)


def test_a_larger_face_counts_more():
    """Two faces at a right angle, one of them three times as large."""
    world = torch.tensor([[[0.0, 0, 0], [1, 0, 0], [0, 1, 0], [0, 3, 0], [0, 0, 1.0]]])
    faces = torch.tensor([[0, 1, 2], [0, 3, 4]])
    normal = vertex_normals(world, faces, Incidence.of(faces))[:, 0, 0]
    expected = torch.tensor([3.0, 0.0, 1.0]) / math.sqrt(10)
    assert torch.allclose(normal, expected)


def test_a_vertex_of_no_face_has_no_normal():
    faces = torch.tensor([[0, 1, 3]])
    normals = vertex_normals(some_points(1)[:, :6], faces, Incidence.of(faces))[:, 0]
    assert (normals[:, [2, 4, 5]] == 0).all()
    assert torch.allclose(normals[:, [0, 1, 3]].norm(dim=0), torch.ones(3))


def test_normals_of_tiny_faces_stay_short():
    """Below a length of 1e-6 the reference does not stretch them to 1."""
    world = torch.tensor([[[0.0, 0, 0], [1e-4, 0, 0], [0, 1e-4, 0]]])
    faces = torch.tensor([[0, 1, 2]])
    normals = vertex_normals(world, faces, Incidence.of(faces))
    assert torch.allclose(normals[:, 0, 0], torch.tensor([0.0, 0.0, 0.01]))


def test_normals_are_the_goldens(geometry):
    stored = load_file(geometry / "flame.safetensors")
    faces = golden_head(geometry).faces
    normals = vertex_normals(stored["vertices"][:2], faces, Incidence.of(faces)).permute(1, 2, 0)
    expected = stored["vertex_normals_0_1"]
    assert (normals - expected).norm() / expected.norm() < 1e-6


def test_light_is_the_sum_of_nine_bands():
    normals = torch.randn(3, 5, generator=torch.Generator().manual_seed(3))
    lighting = torch.randn(9, 3, generator=torch.Generator().manual_seed(4))
    light = sh_light(normals, lighting)
    for i in range(5):
        assert torch.allclose(light[:, i], plain_light(normals[:, i].tolist(), lighting), atol=1e-5)


def test_the_first_band_is_everywhere_the_same():
    lighting = torch.zeros(9, 3)
    lighting[0] = math.sqrt(4 * math.pi)
    assert torch.allclose(sh_light(torch.randn(3, 4), lighting), torch.ones(3, 4))


def test_the_front_light_falls_from_the_front_and_a_little_from_above():
    front, side, above, below = sh_light(
        torch.tensor([[0.0, 0, 1], [1, 0, 0], [0, 1, 0], [0, -1, 0]]).T, FRONT_LIGHT
    ).T
    assert front.tolist() == pytest.approx([1.119] * 3, abs=1e-3)
    assert front.max() * SKIN.max() < 1
    assert front.min() > above.max() > side.max() > below.max() > 0.2


def test_texels_are_read_between_their_centres():
    albedo = torch.tensor([[[0.0, 1.0], [2.0, 3.0]]]).expand(3, 2, 2)
    uv = torch.tensor([[-0.5, -0.5], [0.0, 0.0], [0.5, -0.5], [-1.0, -0.5], [-2.0, 0.0]]).T
    assert sample_albedo(albedo, uv)[1].tolist() == [0.0, 1.5, 1.0, 0.0, 0.0]


def test_one_texel_is_one_colour():
    assert torch.equal(sample_albedo(SKIN, torch.rand(2, 4) * 9), SKIN.view(3, 1).expand(3, 4))


def test_the_golden_texture_is_read_as_the_reference_reads_it(golden_renders):
    stored = golden_renders[224]
    seen = stored["p0.alpha_images"][0, 0] > 0
    uv = stored["p0.grid"][0][seen].T
    colours = sample_albedo(stored["p0.flametex_albedo"][0], uv)
    assert torch.allclose(colours, stored["p0.albedo_images"][0][:, seen], atol=1e-6)
