"""Maps of a clip: the goldens' numbers, laziness, bounds and modes."""

import numpy as np
import pytest
import torch
from PIL import Image
from safetensors.torch import load_file

from magicportrait_core.bench.head_mesh import SwayingHead
from magicportrait_core.errors import InputError
from magicportrait_core.render import maps as maps_module
from magicportrait_core.render import quantised, render_maps, to_bytes
from magicportrait_core.render.rasterizer import installed_backends
from magicportrait_core.types import cat_maps

from .golden_codes import GoldenMesh, codes_of

GOLDENS = [(224, "p0"), (224, "p1"), (224, "p2"), (512, "p0"), (512, "p1")]
MAPS = {
    "depth": "depth_images",
    "normal": "normal_images",
    "render": "rendered_images",
    "mask": "alpha_images",
}


def align_codes(geometry) -> dict[str, torch.Tensor]:
    """The portrait's codes with the pose and the expression carried over."""
    stored = load_file(geometry / "align.safetensors")
    codes = {n.removeprefix("src."): v for n, v in stored.items() if n.startswith("src.")}
    return codes | {"exp": stored["final.exp"], "pose": stored["final.pose"]}


def pixels_off(got: torch.Tensor, expected: torch.Tensor) -> int:
    return int(((got - expected).abs().amax(1) > 1e-4).sum())


@pytest.mark.parametrize("backend", [b for b in ("torch", "numba") if b in installed_backends()])
@pytest.mark.parametrize(("side", "prefix"), GOLDENS)
def test_goldens_from_codes(geometry, golden_renders, side, prefix, backend):
    stored = golden_renders[side]
    mesh = GoldenMesh(geometry, codes_of(stored, prefix))
    got = render_maps(mesh, side, side, mode="parity", backend=backend).frames([0])
    compared = 0
    for name, key in MAPS.items():
        if f"{prefix}.{key}" in stored:
            assert pixels_off(getattr(got, name), stored[f"{prefix}.{key}"]) <= 20
            compared += 1
    assert compared


def test_the_golden_alignment_from_codes(geometry):
    stored = load_file(geometry / "align.safetensors")
    mesh = GoldenMesh(geometry, align_codes(geometry))
    got = render_maps(mesh, 512, 512, mode="parity").frames([0])
    assert pixels_off(got.depth, stored["depth"]) <= 20


@pytest.mark.parametrize("side", [224, 512])
def test_the_goldens_pictures(geometry, golden_renders, side):
    mesh = GoldenMesh(geometry, codes_of(golden_renders[side], "p1"))
    got = quantised(render_maps(mesh, side, side, mode="parity").frames([0]))
    for name in ("depth", "normal", "render"):
        path = geometry / "png" / f"p1_{side}_{name}.png"
        expected = (
            torch.from_numpy(np.array(Image.open(path).convert("RGB"))).permute(2, 0, 1).int()
        )
        off = (to_bytes(getattr(got, name)[0]).int() - expected).abs().amax(0) > 1
        assert int(off.sum()) <= 20, name


@pytest.mark.parametrize(("height", "width"), [(48, 48), (40, 72), (72, 40), (1, 1)])
def test_any_size(height, width):
    maps = render_maps(SwayingHead(3), height, width)
    batch = maps.frames([0, 2])
    shapes = [tuple(getattr(batch, name).shape) for name in MAPS]
    assert shapes == [(2, c, height, width) for c in (1, 3, 3, 1)]
    assert (len(maps), maps.height, maps.width, maps.mode, maps.fps) == (
        3,
        height,
        width,
        "stable",
        25,
    )


def test_a_wide_picture_shows_the_same_head_as_its_middle():
    """The head keeps its height, and the picture's sides stay empty."""
    square = render_maps(SwayingHead(1), 64, 64).frames([0])
    wide = render_maps(SwayingHead(1), 64, 128).frames([0])
    assert torch.equal(wide.mask[..., 32:96], square.mask)
    assert wide.mask[..., :32].sum() == wide.mask[..., 96:].sum() == 0
    assert torch.allclose(wide.normal[..., 32:96], square.normal, atol=1e-4)


def test_empty_pixels_are_zero_and_the_nearest_point_is_one():
    batch = render_maps(SwayingHead(1), 256, 256, mode="parity").frames([0])
    empty = (batch.mask == 0).expand(-1, 3, -1, -1)
    assert (batch.normal[empty] == 0).all()
    assert (batch.render[empty] == 0).all()
    assert (batch.depth[batch.mask == 0] == 0).all()
    assert batch.depth.max() == pytest.approx(1, abs=0.01)
    assert batch.depth[batch.mask == 1].min() > 0.3  # what is hidden behind is farther


def test_frames_come_in_the_order_asked_for_and_in_chunks():
    maps = render_maps(SwayingHead(12), 32, 32)
    order = [11, 0, 0, 5, 3, 7, 9]
    together = maps.frames(order)
    alone = cat_maps([maps.frames([i]) for i in order])
    for name in MAPS:
        assert torch.equal(getattr(together, name), getattr(alone, name))


def test_nothing_is_rendered_before_it_is_asked_for():
    head = SwayingHead(1000)
    asked = []
    original = head.meshes
    head.meshes = lambda frames, h, w: asked.append(list(frames)) or original(frames, h, w)
    maps = render_maps(head, 16, 16, mode="parity")
    assert asked == []
    maps.frames(range(500, 506))
    assert asked == [[500, 501, 502, 503], [504, 505]]


def test_stable_poses_the_clip_once():
    head = SwayingHead(40)
    asked = []
    original = head.meshes
    head.meshes = lambda frames, h, w: asked.extend(frames) or original(frames, h, w)
    maps = render_maps(head, 16, 16)
    maps.frames([3])
    maps.frames([4])
    assert asked == [3, *range(40), 4]


def test_stable_stays_near_parity():
    head = SwayingHead(30)
    stable = render_maps(head, 48, 48).frames(range(30))
    parity = render_maps(head, 48, 48, mode="parity").frames(range(30))
    off = (stable.depth - parity.depth).abs()
    assert 1e-4 < off.median(0).values.max()
    assert off.max() <= 0.0501
    assert torch.equal(stable.normal, parity.normal)
    assert torch.equal(stable.render, parity.render)


def test_a_flat_mesh_is_all_near():
    head = SwayingHead(1)
    batch = head.meshes([0], 32, 32)
    batch.screen[..., 2] = 4
    head.meshes = lambda frames, h, w: batch
    maps = render_maps(head, 32, 32, mode="parity").frames([0])
    assert torch.allclose(maps.depth, maps.mask, atol=1e-3)


def test_threads_are_left_alone():
    before = torch.get_num_threads()
    torch.set_num_threads(2)
    try:
        render_maps(SwayingHead(2), 16, 16).frames([0])
        assert torch.get_num_threads() == 2
    finally:
        torch.set_num_threads(before)


def test_memory_is_bounded_by_the_chunk(monkeypatch):
    """However many frames are asked for, no more than CHUNK are rasterised at once."""
    sizes = []
    original = maps_module.rasterize
    monkeypatch.setattr(
        maps_module, "rasterize", lambda ndc, *rest: sizes.append(len(ndc)) or original(ndc, *rest)
    )
    render_maps(SwayingHead(11), 16, 16).frames(range(11))
    assert sizes == [4, 4, 3]


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"mode": "exact"}, "mode must be one of stable, parity"),
        ({"depth_range": "video"}, "depth_range must be one of frame, clip"),
        ({"backend": "opengl"}, "backend must be one of"),
        ({"height": 0}, "at least 1 x 1"),
        ({"height": 8.0}, r"whole numbers of pixels, got a width of 8 and a height of 8\.0"),
    ],
)
def test_bad_choices_are_named(change, message):
    choices = {"height": 8, "width": 8} | change
    with pytest.raises(InputError, match=message):
        render_maps(SwayingHead(1), **choices)


@pytest.mark.parametrize("frame", [-1, 5])
def test_frames_that_do_not_exist(frame):
    with pytest.raises(InputError, match=r"frames must be 0\.\.4"):
        render_maps(SwayingHead(5), 8, 8).frames([0, frame])


def test_cuda_gives_the_same_maps():
    if not torch.cuda.is_available():
        pytest.skip("no CUDA device")
    head = SwayingHead(6)
    expected = render_maps(head, 256, 256).frames(range(6))
    got = render_maps(head, 256, 256, device="cuda").frames(range(6))
    for name in MAPS:
        assert getattr(got, name).is_cuda
        assert pixels_off(getattr(got, name).cpu(), getattr(expected, name)) <= 20 * 6
