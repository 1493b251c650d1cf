"""One contract for every backend: the same faces, depths and weights, to the last bit."""

from __future__ import annotations

import sys

import numpy as np
import pytest
import torch
from torch import Tensor

from magicportrait_core.bench.head_mesh import SwayingHead
from magicportrait_core.errors import InputError
from magicportrait_core.render.backends import numba_backend, torch_backend
from magicportrait_core.render.backends.compiled import compiled, one_runtime
from magicportrait_core.render.camera import to_ndc
from magicportrait_core.render.rasterizer import (
    BACKEND_NAMES,
    BACKENDS,
    installed_backends,
    rasterize,
)
from magicportrait_core.types import Fragments
from tests.golden_head import golden_head

from .scenes import SCENES, Scene

FAST = [name for name in BACKENDS if name != "plain"]


@pytest.fixture(params=list(BACKENDS))
def backend(request) -> str:
    if request.param not in installed_backends():
        pytest.skip(f"{request.param} is not installed")
    return request.param


@pytest.fixture(params=FAST)
def fast(request) -> str:
    if request.param not in installed_backends():
        pytest.skip(f"{request.param} is not installed")
    return request.param


def drawn(scene: Scene, backend: str) -> Fragments:
    return rasterize(scene.vertices, scene.faces, scene.height, scene.width, backend)


def seen(scene: str, backend: str) -> Tensor:
    """(h, w) faces of the first frame."""
    return drawn(SCENES[scene](), backend).pix_to_face[0]


@pytest.mark.parametrize("name", SCENES)
def test_backends_agree_with_the_plain_loop(name, fast):
    scene = SCENES[name]()
    expected, got = drawn(scene, "plain"), drawn(scene, fast)
    assert torch.equal(got.pix_to_face, expected.pix_to_face)
    assert torch.allclose(got.zbuf, expected.zbuf, rtol=1e-5, atol=0)
    assert torch.allclose(got.bary, expected.bary, rtol=1e-5, atol=1e-12)
    assert (expected.pix_to_face >= 0).any()


def test_fields_have_the_shapes_types_and_empty_values(backend):
    found = drawn(SCENES["soup"](), backend)
    assert found.pix_to_face.shape == found.zbuf.shape == (3, 40, 56)
    assert found.bary.shape == (3, 40, 56, 3)
    assert found.pix_to_face.dtype == torch.int32
    assert found.zbuf.dtype == found.bary.dtype == torch.float32
    empty = found.pix_to_face == -1
    assert 0 < empty.float().mean() < 1
    assert (found.zbuf[empty] == -1).all()
    assert (found.bary[empty] == -1).all()
    assert (found.bary[~empty] > 0).all()


def test_a_shared_edge_belongs_to_nobody(backend):
    """The diagonal from bottom right to top left, x left and y up."""
    faces = seen("shared_edge", backend)
    inner = faces[1:7, 1:7]
    off = torch.eye(6, dtype=torch.bool)
    assert (inner[off] == -1).all()
    assert (inner[~off] >= 0).all()
    assert set(inner[~off].tolist()) == {0, 1}


def test_a_centre_on_an_edge_is_outside(backend):
    faces = seen("edge_on_centres", backend)
    assert (faces[:, 3] == -1).all()  # x = 0.125 is the centre of column 3
    assert (faces[:, 4] == 0).any()


def test_of_equal_depths_the_lowest_face_wins(backend):
    assert seen("coplanar", backend).unique().tolist() == [-1, 1]


def test_faces_without_area_are_not_drawn(backend):
    assert seen("degenerate", backend).unique().tolist() == [-1, 3]


def test_what_is_behind_the_camera_is_not_drawn(backend):
    assert seen("behind_the_camera", backend).unique().tolist() == [-1, 3]


def test_both_sides_of_a_face_are_drawn(backend):
    scene = SCENES["one_pixel"]()
    turned = Scene(scene.vertices, scene.faces.flip(1), 1, 1)
    assert drawn(turned, backend).pix_to_face.tolist() == [[[0]]]


def test_a_triangle_far_larger_than_the_picture_covers_it(backend):
    faces = seen("off_screen", backend)
    assert faces.unique().tolist() == [1, 2]
    assert faces.min() >= 0


def test_weights_of_a_needle_do_not_add_up_to_one(backend):
    found = drawn(SCENES["needles"](), backend)
    total = found.bary[found.pix_to_face >= 0].sum(-1)
    assert (total - 1).abs().max() > 1e-4


def test_frames_do_not_know_of_each_other(fast):
    scene = SCENES["soup"]()
    many = scene.vertices[[0, 1, 2, 0, 1, 2, 1]]
    together = rasterize(many, scene.faces, 40, 56, fast)
    for i, frame in enumerate(many):
        alone = rasterize(frame[None], scene.faces, 40, 56, fast)
        assert torch.equal(together.pix_to_face[i], alone.pix_to_face[0])
        assert torch.equal(together.bary[i], alone.bary[0])


def test_small_slabs_change_nothing(monkeypatch):
    scene = SCENES["soup"]()
    expected = drawn(scene, "torch")
    monkeypatch.setattr(torch_backend, "_CPU_SLAB", 50)
    monkeypatch.setattr(torch_backend, "_CPU_FRAMES", 2)
    monkeypatch.setattr(torch_backend, "_LADDER", (2, 5, 7))
    got = drawn(scene, "torch")
    assert torch.equal(got.pix_to_face, expected.pix_to_face)
    assert torch.equal(got.bary, expected.bary)


def test_no_faces_leave_the_picture_empty(fast):
    found = rasterize(torch.zeros(1, 3, 3), torch.zeros(0, 3, dtype=torch.long), 4, 5, fast)
    assert (found.pix_to_face == -1).all()
    assert found.pix_to_face.shape == (1, 4, 5)


@pytest.mark.parametrize(("side", "prefix"), [(224, "p0"), (512, "p1")])
def test_goldens_from_the_same_vertices(geometry, golden_renders, side, prefix, fast):
    """0 pixels see another face than PyTorch3D 0.7.9 made them see."""
    if fast == "pytorch3d" and side > 224:
        pytest.skip("PyTorch3D takes half a minute for it")
    stored = {n.removeprefix(f"{prefix}."): v for n, v in golden_renders[side].items()}
    found = rasterize(stored["rast.verts_ndc"], golden_head(geometry).faces, side, side, fast)
    assert torch.equal(found.pix_to_face, stored["rast.pix_to_face"])
    if side == 224:
        assert torch.allclose(found.zbuf, stored["rast.zbuf"], rtol=1e-5, atol=0)
        assert torch.allclose(found.bary, stored["rast.bary"], rtol=1e-5, atol=1e-12)


def test_the_plain_loop_finds_the_goldens_too(geometry, golden_renders):
    stored = golden_renders[224]
    faces = golden_head(geometry).faces
    found = rasterize(stored["p0.rast.verts_ndc"], faces, 224, 224, "plain")
    assert torch.equal(found.pix_to_face, stored["p0.rast.pix_to_face"])


def test_cuda_finds_the_same_faces():
    if not torch.cuda.is_available():
        pytest.skip("no CUDA device")
    head = SwayingHead(20)
    ndc = to_ndc(head.meshes(range(20), 512, 512).screen, 512, 512)
    expected = rasterize(ndc, head.faces, 512, 512)
    got = rasterize(ndc.cuda(), head.faces.cuda(), 512, 512)
    assert got.pix_to_face.is_cuda
    off = (got.pix_to_face.cpu() != expected.pix_to_face).flatten(1).sum(1)
    assert int(off.max()) <= 20


@pytest.mark.skipif("numba" not in installed_backends(), reason="numba is not installed")
def test_numba_leaves_torch_its_threads():
    before = torch.get_num_threads()
    torch.set_num_threads(2)
    try:
        compiled.cache_clear()
        drawn(SCENES["soup"](), "numba")
        assert torch.get_num_threads() == 2
        with one_runtime():
            torch.set_num_threads(1)
        assert torch.get_num_threads() == 2
    finally:
        torch.set_num_threads(before)


@pytest.mark.parametrize(
    ("name", "advice"), [("numba", "pip install numba"), ("pytorch3d", "INSTALL")]
)
def test_a_missing_package_says_what_to_install(monkeypatch, name, advice):
    compiled.cache_clear()
    for module in (name, "pytorch3d.structures", "pytorch3d.renderer.mesh.rasterize_meshes"):
        monkeypatch.setitem(sys.modules, module, None)
    with pytest.raises(InputError, match=advice):
        drawn(SCENES["one_pixel"](), name)


def test_the_compiled_loop_is_the_loop(monkeypatch):
    """Uncompiled it gives the same, so that a reader may trust what is written."""
    scene = SCENES["crossing"]()
    expected = drawn(scene, "plain")
    monkeypatch.setattr(numba_backend, "compiled", lambda loop: loop)
    got = drawn(scene, "numba")
    assert torch.equal(got.pix_to_face, expected.pix_to_face)
    assert torch.allclose(got.bary, expected.bary, rtol=1e-5)


def test_auto_is_torch():
    assert BACKEND_NAMES[0] == "auto"
    assert installed_backends()[0] == "torch"
    scene = SCENES["soup"]()
    assert torch.equal(drawn(scene, "auto").bary, drawn(scene, "torch").bary)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"backend": "opengl"}, "backend must be one of auto, torch"),
        ({"ndc": torch.zeros(3, 3)}, "ndc must be"),
        ({"faces": torch.zeros(1, 4, dtype=torch.long)}, "faces must be"),
        ({"faces": torch.tensor([[0, 1, 3]])}, r"vertices 0\.\.2"),
        ({"faces": torch.tensor([[0, -1, 2]])}, r"vertices 0\.\.2"),
        ({"ndc": torch.full((1, 3, 3), torch.nan)}, "finite"),
        ({"ndc": torch.full((1, 3, 3), torch.inf)}, "finite"),
        ({"faces": torch.tensor([[0.0, 1.0, 2.0]])}, r"faces must be whole .* got torch\.float32"),
        ({"faces": torch.tensor([[0.0, torch.nan, 2.0]])}, "faces must be whole numbers"),
        ({"faces": torch.ones(1, 3, dtype=torch.bool)}, r"whole numbers, int64, got torch\.bool"),
        ({"width": 0}, "at least 1 x 1 px, got 0 x 4"),
        ({"height": -3}, "at least 1 x 1 px, got 4 x -3"),
        ({"width": 4.0}, r"whole numbers of pixels, got a width of 4\.0 and a height of 4"),
        ({"height": float("nan")}, "a height of nan"),
        ({"height": "4"}, "a height of '4'"),
        ({"width": True}, "a width of True"),
    ],
)
def test_bad_input_is_named(change, message):
    good = {
        "ndc": torch.zeros(1, 3, 3),
        "faces": torch.tensor([[0, 1, 2]]),
        "height": 4,
        "width": 4,
    }
    with pytest.raises(InputError, match=message) as caught:
        rasterize(**(good | change))
    assert isinstance(caught.value, ValueError)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize("dtype", [torch.int32, torch.uint8])
def test_other_whole_numbers_name_faces_too(dtype, backend):
    scene = SCENES["coplanar"]()
    size = np.int64(scene.height), np.int32(scene.width)
    got = rasterize(scene.vertices, scene.faces.to(dtype), *size, backend)
    assert torch.equal(got.pix_to_face, drawn(scene, backend).pix_to_face)
