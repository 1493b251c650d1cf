"""Both ways to shade against the loop over pixels."""

from fractions import Fraction

import pytest
import torch

from magicportrait_core.bench.head_mesh import SwayingHead
from magicportrait_core.render.backends import numba_shading
from magicportrait_core.render.maps import render_maps
from magicportrait_core.render.rasterizer import installed_backends
from magicportrait_core.render.surface import vertex_values
from magicportrait_core.types import MapBatch, MeshBatch, MeshSequence
from tests.render.plain_maps import plain_maps

NAMES = ("depth", "normal", "render", "mask")


class Soup(MeshSequence):
    """40 random triangles in 3 frames, with or without a texture that runs over its edges."""

    def __init__(self, textured: bool) -> None:
        random = torch.Generator().manual_seed(7)
        centre = torch.rand(3, 40, 1, 3, generator=random) * 2 - 1
        self.screen = (centre + torch.randn(3, 40, 3, 3, generator=random) * 0.4).flatten(1, 2)
        self.faces = torch.arange(120).view(40, 3)
        self.light = torch.randn(3, 9, 3, generator=random)
        self.uvs = torch.rand(60, 2, generator=random) if textured else None
        self.uv_faces = torch.randint(60, (40, 3), generator=random) if textured else None
        size = (5, 7) if textured else (1, 1)
        self.albedo = torch.rand(3, *size, generator=random)
        self.fps = Fraction(25)

    def __len__(self) -> int:
        return 3

    def meshes(self, frames, height, width) -> MeshBatch:
        screen = self.screen[list(frames)]
        world = screen * torch.tensor([1.0, -1.0, -1.0])
        return MeshBatch(world, screen, self.light[list(frames)])


@pytest.fixture(params=[name for name in ("torch", "numba") if name in installed_backends()])
def backend(request) -> str:
    return request.param


@pytest.mark.parametrize("textured", [True, False])
@pytest.mark.parametrize("mode", ["stable", "parity"])
def test_maps_are_those_of_the_plain_loop(backend, textured, mode):
    soup = Soup(textured)
    maps = render_maps(soup, 20, 28, mode=mode, depth_range="clip", backend=backend)
    got = maps.frames([2, 0])
    near, far = float(soup.screen[..., 2].min()), float(soup.screen[..., 2].max())
    for place, frame in enumerate((2, 0)):
        expected = plain_maps(soup, frame, 20, 28, near, far)
        assert expected["mask"].mean() > 0.3
        for name in NAMES:
            assert torch.allclose(getattr(got, name)[place], expected[name], atol=2e-5), name


def test_a_textured_head_too(backend):
    head = SwayingHead(8)
    z = head.meshes([7], 24, 24).screen[..., 2]
    got = render_maps(head, 24, 24, mode="parity", backend=backend).frames([7])
    expected = plain_maps(head, 7, 24, 24, float(z.min()), float(z.max()))
    for name in NAMES:
        assert torch.allclose(getattr(got, name)[0], expected[name], atol=5e-5), name


def test_the_compiled_loop_is_the_loop(monkeypatch):
    soup = Soup(True)
    expected = render_maps(soup, 12, 16).frames([1])
    monkeypatch.setattr(numba_shading, "compiled", lambda loop: loop)
    maps = render_maps(soup, 12, 16)
    batch = soup.meshes([1], 12, 16)
    got = MapBatch(*(torch.zeros(1, channels, 12, 16) for channels in (1, 3, 3, 1)))
    seen = maps._rasterize(batch, 2)
    values = vertex_values(batch, maps._surface, maps._ranges[[1]])
    numba_shading.shade_numba(seen, values, batch.lighting, maps._surface, got)
    for name in NAMES:
        assert torch.allclose(getattr(got, name), getattr(expected, name), atol=1e-5), name
